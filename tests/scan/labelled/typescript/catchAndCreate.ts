import Airtable from 'airtable';

class NotFound extends Error {}

export class Runs {
  constructor(private base: Airtable.Base) {}

  private get table() {
    return this.base('Client Run Results');
  }

  private async get(runId: string) {
    const [record] = await this.table.select({ filterByFormula: `{Run ID}='${runId}'` }).firstPage();
    if (!record) throw new NotFound(runId);
    return record;
  }

  async start(runId: string) {
    return this.table.create({ 'Run ID': runId }); // expect: creation
  }

  async fail(runId: string, error: unknown): Promise<void> {
    let record;
    try {
      record = await this.get(runId);
    } catch (missing) {
      if (!(missing instanceof NotFound)) throw missing;
      record = await this.start(runId); // expect: recovery
    }
    await this.table.update(record.id, { Status: 'Failed', Error: String(error) }); // expect: update
  }
}
