const Airtable = require('airtable');

class AirtableModel {
  static base = new Airtable({ apiKey: 'k' }).base('appH');
  static tableName = null;

  static get table() {
    return this.base(this.tableName);
  }

  static async insert(fields) {
    const [record] = await this.table.create([{ fields }]); // expect: creation, creation@Clients
    return record;
  }

  static async patch(id, fields) {
    return this.table.update(id, fields); // expect: update, update@Clients
  }
}

class Run extends AirtableModel {
  static tableName = 'Client Run Results';
}

class Client extends AirtableModel {
  static tableName = 'Clients';
}

async function startFor(clientId, runId) {
  await Client.patch(clientId, { 'Last run': runId }); // expect: updating-wrapper@Clients
  return Run.insert({ 'Run ID': runId }); // expect: creating-wrapper
}

async function addClient(name) {
  return Client.insert({ Name: name }); // expect: creating-wrapper@Clients
}

async function finish(id) {
  return Run.patch(id, { Status: 'Completed' }); // expect: updating-wrapper
}

module.exports = { startFor, addClient, finish };
