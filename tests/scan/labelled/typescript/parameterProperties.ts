import Airtable from 'airtable';

const enum TableName {
  Runs = 'Client Run Results',
  Clients = 'Clients',
}

export class AirtableGateway {
  constructor(private readonly base: Airtable.Base) {}

  createRun(runId: string) {
    return this.base(TableName.Runs).create({ 'Run ID': runId }); // expect: creation
  }

  updateRun(id: string, fields: Airtable.FieldSet) {
    return this.base(TableName.Runs).update(id, fields); // expect: update
  }

  createClient(name: string) {
    return this.base(TableName.Clients).create({ Name: name }); // expect: creation@Clients
  }
}

export class NightlyJob {
  constructor(private readonly gateway: AirtableGateway) {}

  async run(runId: string): Promise<void> {
    const record = await this.gateway.createRun(runId); // expect: creating-wrapper
    await this.gateway.updateRun(record.id, { Status: 'Completed' }); // expect: updating-wrapper
  }
}
