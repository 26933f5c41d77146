const Airtable = require('airtable');

class RunRecordService {
  static get table() {
    return new Airtable({ apiKey: process.env.KEY }).base(process.env.BASE)('Client Run Results');
  }

  static async createRun(runId, clientId) {
    return this.table.create({ 'Run ID': runId, 'Client ID': clientId }); // expect: creation
  }

  static async find(runId, clientId) {
    const formula = `AND({Run ID}='${runId}',{Client ID}='${clientId}')`;
    return (await RunRecordService.table.select({ filterByFormula: formula }).firstPage())[0];
  }

  static async updateRun(runId, clientId, fields) {
    let record = await RunRecordService.find(runId, clientId);
    if (!record) record = await RunRecordService.createRun(runId, clientId); // expect: recovery
    return RunRecordService.table.update(record.id, fields); // expect: update
  }
}

async function workflow(runId, clientId) {
  await RunRecordService.createRun(runId, clientId); // expect: creating-wrapper
  console.log('started');
}

module.exports = { RunRecordService, workflow };
