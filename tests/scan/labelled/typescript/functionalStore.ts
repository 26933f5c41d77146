import Airtable from 'airtable';

export const makeRuns = (base: Airtable.Base) => {
  const table = base('Client Run Results');

  const add = async (runId: string) => (await table.create({ 'Run ID': runId })).id; // expect: creation
  const patch = (id: string, fields: Airtable.FieldSet) => table.update(id, fields); // expect: update

  return { add, patch, all: () => table.select().all() };
};

export type Runs = ReturnType<typeof makeRuns>;

const runs = makeRuns(new Airtable({ apiKey: 'k' }).base('app'));

export async function night(runId: string): Promise<void> {
  const id = await runs.add(runId); // expect: creating-wrapper
  await runs.patch(id, { Status: 'Completed' }); // expect: updating-wrapper
}

export const { add: startRun } = runs;
