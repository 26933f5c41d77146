import type { FieldSet, Record as Row } from 'airtable';

import { config } from '../config.js';
import { AirtableTable } from './table.js';

export interface RunFields extends FieldSet {
  'Run ID': string;
  'Client ID': string;
  Status: string;
}

export class RunTable extends AirtableTable<RunFields> {
  constructor() {
    super(config.tables.runs);
  }

  async add(fields: RunFields): Promise<string> {
    const record = await this.table.create(fields, { typecast: true }); // expect: creation
    return record.id;
  }

  async patch(id: string, fields: Partial<RunFields>): Promise<void> {
    await this.table.update(id, fields); // expect: update
  }

  async merge(rows: RunFields[]): Promise<void> {
    const records = rows.map((fields) => ({ fields }));
    await this.table.update(records, { performUpsert: { fieldsToMergeOn: ['Run ID', 'Client ID'] } }); // expect: upsert
  }

  async of(runId: string, clientId: string): Promise<Row<RunFields> | undefined> {
    return this.first(`AND({Run ID}='${runId}',{Client ID}='${clientId}')`);
  }
}
