import Airtable from 'airtable';

const base = new Airtable({ apiKey: process.env.AIRTABLE_KEY! }).base(process.env.AIRTABLE_BASE!);
const TABLES = { runs: 'Client Run Results', clients: 'Clients' } as const;

type Fields = Record<string, string | number>;

async function findRun(runId: string): Promise<Airtable.Record<Airtable.FieldSet> | undefined> {
  const [record] = await base(TABLES.runs).select({ filterByFormula: `{Run ID} = '${runId}'` }).firstPage();
  return record;
}

export async function updateRun(runId: string, fields: Fields): Promise<void> {
  const record = await findRun(runId);
  if (record === undefined) {
    await base(TABLES.runs).create({ 'Run ID': runId, ...fields }); // expect: recovery
    return;
  }
  await base(TABLES.runs).update(record.id, fields); // expect: update
}

export const completeRun = (runId: string) => updateRun(runId, { Status: 'Completed' }); // expect: creating-wrapper, updating-wrapper
