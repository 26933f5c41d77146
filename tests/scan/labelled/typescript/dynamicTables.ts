import Airtable from 'airtable';

export interface Settings {
  apiKey: string;
  baseId: string;
  runsTable: string;
}

export class ConfiguredRuns {
  private readonly table: Airtable.Table<Airtable.FieldSet>;

  constructor(settings: Settings) {
    this.table = new Airtable({ apiKey: settings.apiKey }).base(settings.baseId)(settings.runsTable);
  }

  async start(runId: string): Promise<string> {
    return (await this.table.create({ 'Run ID': runId })).id; // expect: unresolved
  }

  async close(id: string): Promise<void> {
    await this.table.update(id, { Status: 'Completed' }); // expect: unresolved
  }
}
