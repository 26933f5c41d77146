const cron = require('node-cron');
const runs = require('airtable').base('appMain')('Client Run Results');

async function start(runId) {
  const [record] = await runs.create([{ fields: { 'Run ID': runId } }]); // expect: creation
  return record.id;
}

async function finish(id) {
  await runs.update([{ id, fields: { Status: 'Completed' } }]); // expect: update
}

cron.schedule('0 2 * * *', async () => {
  const id = await start(new Date().toISOString()); // expect: creating-wrapper
  await finish(id); // expect: updating-wrapper
});

cron.schedule('*/10 * * * *', async () => { // expect: no-start
  const stale = await runs.select({ filterByFormula: "{Status}='Running'" }).all();
  for (const record of stale) {
    await finish(record.id); // expect: updating-wrapper
  }
});
