import * as cron from 'node-cron';
import Airtable from 'airtable';

const runs: Airtable.Table<Airtable.FieldSet> = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');

async function sweep(): Promise<number> {
  const stale = await runs.select({ filterByFormula: "{Status} = 'Running'" }).all();
  for (const { id } of stale) {
    await runs.update(id, { Status: 'Timed out' }); // expect: update
  }
  return stale.length;
}

async function begin(): Promise<string> {
  return (await runs.create({ 'Run ID': String(Date.now()) })).id; // expect: creation
}

cron.schedule('*/15 * * * *', () => void sweep()); // expect: no-start, updating-wrapper

cron.schedule('0 1 * * *', async () => {
  const id = await begin(); // expect: creating-wrapper
  await runs.update(id, { Status: 'Completed' }); // expect: update
});
