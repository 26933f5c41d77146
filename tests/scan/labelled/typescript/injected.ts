import Airtable from 'airtable';
import { inject, injectable } from 'inversify';

@injectable()
export class RunStore {
  private readonly table = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');

  public async insert(fields: Airtable.FieldSet): Promise<string> {
    return (await this.table.create(fields)).getId(); // expect: creation
  }

  public async save(id: string, fields: Airtable.FieldSet): Promise<void> {
    await this.table.update(id, fields); // expect: update
  }
}

@injectable()
export class Scorer {
  public constructor(@inject(RunStore) private readonly store: RunStore) {}

  public async score(posts: string[]): Promise<void> {
    const id = await this.store.insert({ Status: 'Running' }); // expect: creating-wrapper
    await this.store.save(id, { Posts: posts.length }); // expect: updating-wrapper
  }
}
