import Airtable from 'airtable';

export interface UpdateOptions {
  createIfMissing?: boolean;
}

const runs = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');

async function lookUp(runId: string): Promise<string | null> {
  const page = await runs.select({ filterByFormula: `{Run ID}='${runId}'` }).firstPage();
  return page[0]?.id ?? null;
}

export async function update(
  runId: string,
  fields: Airtable.FieldSet,
  { createIfMissing = true }: UpdateOptions = {},
): Promise<void> {
  const id = await lookUp(runId);
  if (id !== null) {
    await runs.update(id, fields); // expect: update
  } else if (createIfMissing) {
    await runs.create({ ...fields, 'Run ID': runId }); // expect: recovery
  } else {
    throw new RangeError(`no run ${runId}`);
  }
}
