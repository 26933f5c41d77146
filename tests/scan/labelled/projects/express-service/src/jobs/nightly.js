const cron = require('node-cron');
const { clients, createRun, updateRun } = require('../airtable');
const { runs } = require('../services');

async function night() {
  const runId = new Date().toISOString().slice(2, 10);
  for (const client of await clients.activeClients()) {
    const record = await createRun(runId, client.id); // expect: creating-wrapper
    try {
      await runs.completeRun(record.id);
    } catch (error) {
      await runs.failRun(record.id, error);
    }
  }
}

cron.schedule('0 2 * * *', night);

exports.report = async function report(runId, clientId, fields) {
  return updateRun(runId, clientId, fields);
};
