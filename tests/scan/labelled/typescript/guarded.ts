import Airtable from 'airtable';

export class RunAlreadyExists extends Error {
  constructor(readonly runId: string) {
    super(`${runId} exists`);
  }
}

export async function createRun(base: Airtable.Base, runId: string): Promise<string> {
  const table = base('Client Run Results');
  const existing = await table.select({ filterByFormula: `{Run ID}='${runId}'`, maxRecords: 1 }).firstPage();
  if (existing.length !== 0) {
    throw new RunAlreadyExists(runId);
  }
  const { id } = await table.create({ 'Run ID': runId }, { typecast: true }); // expect: creation
  return id;
}

export async function updateRun(base: Airtable.Base, runId: string, fields: Airtable.FieldSet): Promise<void> {
  const table = base('Client Run Results');
  const existing = await table.select({ filterByFormula: `{Run ID}='${runId}'` }).firstPage();
  if (existing.length === 0) throw new Error(`${runId} was not started`);
  await table.update(existing[0].id, fields); // expect: update
}
