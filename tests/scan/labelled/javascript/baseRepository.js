import Airtable from 'airtable';

class Repository {
  constructor(base, name) {
    this.table = base(name);
  }

  all() {
    return this.table.select().all();
  }
}

export class RunRepository extends Repository {
  constructor(base) {
    super(base, 'Client Run Results');
  }

  add(fields) {
    return this.table.create(fields, { typecast: true }); // expect: creation
  }

  patch(id, fields) {
    return this.table.update(id, fields); // expect: update
  }
}

export class ClientRepository extends Repository {
  constructor(base) {
    super(base, 'Clients');
  }

  add(fields) {
    return this.table.create(fields); // expect: creation@Clients
  }
}

export default new RunRepository(new Airtable({ apiKey: 'k' }).base('app'));
