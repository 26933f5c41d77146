import Airtable, { type FieldSet, type Records } from 'airtable';

export interface Run extends FieldSet {
  'Run ID': string;
  'Client ID': string;
}

export class RunRepository {
  private readonly table: Airtable.Table<Run>;

  constructor(apiKey: string, baseId: string) {
    this.table = new Airtable({ apiKey }).base(baseId)<Run>('Client Run Results');
  }

  async start(run: Run): Promise<string> {
    const records: Records<Run> = await this.table.create([{ fields: run }]); // expect: creation
    return records[0]!.id;
  }

  async complete(id: string): Promise<void> {
    await this.table.update([{ id, fields: { Status: 'Completed' } }]); // expect: update
  }
}
