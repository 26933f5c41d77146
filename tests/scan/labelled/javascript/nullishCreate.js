import Airtable from 'airtable';

const runs = new Airtable({ apiKey: 'k' }).base('app1')('Client Run Results');

const create = (runId) => runs.create({ 'Run ID': runId }); // expect: creation

const find = async (runId) => (await runs.select({ filterByFormula: `{Run ID}='${runId}'` }).all())[0];

export async function addTokens(runId, tokens) {
  const record = (await find(runId)) ?? (await create(runId)); // expect: recovery
  await runs.update(record.id, { Tokens: tokens }); // expect: update
}

export async function addNote(runId, note) {
  const records = await runs.select({ filterByFormula: `{Run ID}='${runId}'` }).firstPage();
  const record = records[0] || (await runs.create({ 'Run ID': runId })); // expect: recovery
  return runs.replace(record.id, { Note: note }); // expect: update
}
