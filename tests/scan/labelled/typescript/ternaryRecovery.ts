import Airtable from 'airtable';

const runs = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');

async function first(formula: string) {
  return (await runs.select({ filterByFormula: formula, maxRecords: 1 }).firstPage()).at(0);
}

const insert = async (runId: string) => runs.create({ 'Run ID': runId }); // expect: creation

export async function log(runId: string, text: string): Promise<void> {
  const hit = await first(`{Run ID}='${runId}'`);
  const record = hit ? hit : await insert(runId); // expect: recovery
  await runs.update(record.id, { Log: text }); // expect: update
}

export async function beat(runId: string): Promise<void> {
  const record = (await first(`{Run ID}='${runId}'`)) ?? (await insert(runId)); // expect: recovery
  await runs.update(record.id, { Beat: Date.now() }); // expect: update
}

export async function error(runId: string, cause: unknown): Promise<void> {
  const hit = await first(`{Run ID}='${runId}'`);
  await (hit
    ? runs.update(hit.id, { Error: String(cause) }) // expect: update
    : runs.create({ 'Run ID': runId, Error: String(cause) })); // expect: recovery
}
