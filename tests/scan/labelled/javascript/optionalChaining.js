import Airtable from 'airtable';

const runs = new Airtable({ apiKey: 'k' }).base?.('app')?.('Client Run Results');

export const begin = async (runId) => runs?.create?.({ 'Run ID': runId }); // expect: creation

export const end = async (record) => {
  if (!record?.id) return;
  await runs?.update(record.id, { Status: 'Completed' }); // expect: update
};

export async function log(runId, text) {
  const found = (await runs.select({ filterByFormula: `{Run ID}='${runId}'` }).firstPage())?.[0];
  const target = found ? found : await begin(runId); // expect: recovery
  await end(target); // expect: updating-wrapper
  return text;
}
