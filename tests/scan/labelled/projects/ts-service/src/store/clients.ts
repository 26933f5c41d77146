import type { FieldSet } from 'airtable';

import { config } from '../config.js';
import { AirtableTable } from './table.js';

interface ClientFields extends FieldSet {
  Name: string;
}

export class ClientTable extends AirtableTable<ClientFields> {
  constructor() {
    super(config.tables.clients);
  }

  async add(Name: string): Promise<string> {
    return (await this.table.create({ Name })).id; // expect: creation@Clients
  }

  async idOf(name: string): Promise<string> {
    const record = await this.first(`{Name}='${name}'`);
    return record?.id ?? this.add(name); // expect: recovery@Clients
  }
}
