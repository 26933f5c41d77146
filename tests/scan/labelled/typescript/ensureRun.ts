import Airtable from 'airtable';

type Id = string & { readonly brand: unique symbol };

export namespace Runs {
  const table = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');

  export async function ensure(runId: string): Promise<Id> {
    const found = await table.select({ filterByFormula: `{Run ID}='${runId}'` }).firstPage();
    if (!found.length) {
      const made = await table.create({ 'Run ID': runId }); // expect: recovery
      return made.id as Id;
    }
    return found[0]!.id as Id;
  }

  export async function finish(runId: string): Promise<void> {
    const id = await ensure(runId); // expect: creating-wrapper
    await table.update(id, { Status: 'Completed' }); // expect: update
  }

  export async function fail(runId: string, error: Error): Promise<void> {
    const id = await ensure(runId); // expect: creating-wrapper
    await table.update(id, { Error: error.message }); // expect: update
  }
}
