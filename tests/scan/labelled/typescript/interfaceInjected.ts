import Airtable from 'airtable';

export interface RunWriter {
  begin(runId: string): Promise<string>;
  end(id: string): Promise<void>;
}

export class AirtableRunWriter implements RunWriter {
  private readonly table = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');

  async begin(runId: string): Promise<string> {
    return (await this.table.create({ 'Run ID': runId })).id; // expect: creation
  }

  async end(id: string): Promise<void> {
    await this.table.update(id, { Status: 'Completed' }); // expect: update
  }
}

// The one implementation is the one above.
export class Scorer {
  constructor(private readonly writer: RunWriter) {}

  async score(runId: string): Promise<void> {
    const id = await this.writer.begin(runId); // expect: creating-wrapper
    await this.writer.end(id); // expect: updating-wrapper
  }
}
