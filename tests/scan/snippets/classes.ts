import Airtable, { FieldSet, Table } from 'airtable';

enum Tables { Runs = 'Client Run Results', Clients = 'Clients' }

abstract class BaseRepository<T extends FieldSet> {
  protected readonly table: Table<T>;
  constructor(base: Airtable.Base, tableName: string) {
    this.table = base(tableName);
  }
  async insert(fields: Partial<T>): Promise<string> {
    const record = await this.table.create(fields as any); // expect: creation, creation@Clients
    return record.id;
  }
  async find(id: string) {
    const [record] = await this.table.select({ filterByFormula: `{Run ID}="${id}"` }).firstPage();
    return record ?? null;
  }
}

export class RunRepository extends BaseRepository<FieldSet> {
  constructor(base: Airtable.Base) {
    super(base, Tables.Runs);
  }
  async complete(id: string): Promise<void> {
    const existing = await this.find(id);
    if (existing === null) {
      await this.insert({ 'Run ID': id }); // expect: recovery
      return;
    }
    await this.table.update(existing.id, { Status: 'Completed' }); // expect: update
  }
}
class ClientRepository extends BaseRepository<FieldSet> {
  constructor(base: Airtable.Base) { super(base, Tables.Clients); }
}

const base = new Airtable().base('app1');
const runs = new RunRepository(base);
const clients = new ClientRepository(base);

export class RunService {
  constructor(private readonly repository: RunRepository, private readonly other: ClientRepository) {}
  async start(id: string) {
    await this.repository.insert({ 'Run ID': id }); // expect: creating-wrapper
    await this.other.insert({ Name: id }); // expect: creating-wrapper@Clients
  }
  async finish(id: string) {
    await this.repository.complete(id); // expect: updating-wrapper
  }
}
export default new RunService(runs, clients);
