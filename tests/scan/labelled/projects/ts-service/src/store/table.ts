import Airtable, { type FieldSet, type Record as Row, type Table } from 'airtable';

import { config } from '../config.js';

const base = new Airtable({ apiKey: config.apiKey }).base(config.baseId);

export abstract class AirtableTable<T extends FieldSet> {
  protected readonly table: Table<T>;

  protected constructor(name: string) {
    this.table = base<T>(name);
  }

  async first(formula: string): Promise<Row<T> | undefined> {
    const page = await this.table.select({ filterByFormula: formula, maxRecords: 1 }).firstPage();
    return page[0];
  }
}
