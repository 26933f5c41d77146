import Airtable, { FieldSet, Table } from 'airtable';

const merge = (fields: string[]) => ({ performUpsert: { fieldsToMergeOn: fields } });

export class MetricsSink {
  private table!: Table<FieldSet>;

  constructor(base: Airtable.Base) {
    this.table = base('Client Run Results');
  }

  async flush(rows: FieldSet[]): Promise<void> {
    await this.table.update(rows.map((fields) => ({ fields })), { performUpsert: { fieldsToMergeOn: ['Run ID'] } }); // expect: upsert
  }

  async flushBy(rows: FieldSet[], ...keys: string[]): Promise<void> {
    await this.table.update(rows.map((fields) => ({ fields })), merge(keys)); // expect: upsert
  }

  async set(rows: Airtable.RecordData<FieldSet>[]): Promise<void> {
    await this.table.update(rows, { typecast: true }); // expect: update
  }

  async send(rows: FieldSet[]): Promise<void> {
    await fetch('https://api.airtable.com/v0/app/Client%20Run%20Results', { // expect: upsert
      method: 'PATCH',
      body: JSON.stringify({ performUpsert: { fieldsToMergeOn: ['Run ID'] }, records: rows }),
    });
  }
}
