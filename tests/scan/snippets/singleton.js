import Airtable from 'airtable';
import { z } from 'zod';
const { AIRTABLE_KEY, AIRTABLE_BASE, RUNS_TABLE = 'Client Run Results' } = process.env;
export const db = new Airtable({ apiKey: AIRTABLE_KEY }).base(AIRTABLE_BASE);
class AirtableService {
  static instance;
  #table;
  constructor() {
    this.base = new Airtable({ apiKey: AIRTABLE_KEY }).base(AIRTABLE_BASE);
    this.#table = this.base(RUNS_TABLE);
    this.clients = this.base('Clients');
  }
  static getInstance() {
    if (!AirtableService.instance) {
      AirtableService.instance = new AirtableService();
    }
    return AirtableService.instance;
  }
  async createClientRunRecord(runId, clientId) {
    const records = await this.#table.create([{ fields: { 'Run ID': runId, Client: [clientId] } }]); // expect: creation
    return records[0].id;
  }
  async getRecord(runId, clientId) {
    const formula = `AND({Run ID}='${runId}', {Client}='${clientId}')`;
    const page = await this.#table.select({ filterByFormula: formula, maxRecords: 1 }).firstPage();
    return page.length ? page[0] : null;
  }
  async updateRun(runId, clientId, updates) {
    let record = await this.getRecord(runId, clientId);
    if (!record) {
      console.warn('Run not found, creating');
      const id = await this.createClientRunRecord(runId, clientId); // expect: recovery
      record = { id };
    }
    return this.#table.update([{ id: record.id, fields: updates }]); // expect: update
  }
  async logError(runId, clientId, error) {
    try {
      await this.updateRun(runId, clientId, { Status: 'Failed', Error: error.message }); // expect: updating-wrapper
    } catch (e) {
      console.error('could not update', e);
    }
  }
}
const service = AirtableService.getInstance();
export async function processClient(client, runId) {
  await service.createClientRunRecord(runId, client.id); // expect: creating-wrapper
  try {
    await score(client);
    await service.updateRun(runId, client.id, { Status: 'Completed' }); // expect: updating-wrapper
  } catch (error) {
    await service.logError(runId, client.id, error);
  }
}
export default service;
