const Airtable = require('airtable');
const logger = require('./logger');

class RunService {
  constructor(apiKey, baseId) {
    this.base = new Airtable({ apiKey }).base(baseId);
    this.table = this.base('Client Run Results');
    this.cache = new Map();
  }

  async create(runId, clientId) {
    const [record] = await this.table.create([{ fields: { 'Run ID': runId, 'Client ID': clientId } }]); // expect: creation
    this.cache.set(`${runId}-${clientId}`, record.id);
    return record;
  }

  async update(runId, clientId, fields) {
    let id = this.cache.get(`${runId}-${clientId}`);
    if (!id) {
      logger.warn('not cached, creating');
      const record = await this.create(runId, clientId); // expect: recovery
      id = record.id;
    }
    return this.table.update(id, fields); // expect: update
  }

  async complete(runId, clientId) {
    return this.update(runId, clientId, { Status: 'Completed' }); // expect: updating-wrapper
  }
}

module.exports = new RunService(process.env.KEY, process.env.BASE);
