import Airtable from 'airtable';

export abstract class AirtableService<T extends Airtable.FieldSet> {
  protected abstract readonly tableName: string;

  constructor(protected readonly base: Airtable.Base) {}

  protected get table(): Airtable.Table<T> {
    return this.base(this.tableName) as Airtable.Table<T>;
  }
}

export class RunService extends AirtableService<{ Status: string }> {
  protected readonly tableName = 'Client Run Results';

  async open(): Promise<string> {
    const record = await this.table.create({ Status: 'Running' }); // expect: creation
    return record.id;
  }

  async close(id: string): Promise<void> {
    await this.table.update(id, { Status: 'Completed' }); // expect: update
  }
}

export class PostService extends AirtableService<{ Title: string }> {
  protected readonly tableName = 'Posts';

  async add(Title: string): Promise<void> {
    await this.table.create({ Title }); // expect: creation@Posts
  }
}
