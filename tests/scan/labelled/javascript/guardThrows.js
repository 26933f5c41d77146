const base = require('airtable').base('appMain');
const { AlreadyExists } = require('./errors');

const runsTable = base('Client Run Results');

async function startRun(runId, clientId) {
  const existing = await runsTable
    .select({ filterByFormula: `AND({Run ID}="${runId}",{Client ID}="${clientId}")` })
    .firstPage();
  if (existing.length) {
    throw new AlreadyExists(runId, clientId);
  }
  return runsTable.create({ 'Run ID': runId, 'Client ID': clientId }); // expect: creation
}

async function updateRun(runId, fields) {
  const [record] = await runsTable.select({ filterByFormula: `{Run ID}="${runId}"` }).firstPage();
  if (!record) throw new Error(`run ${runId} was not started`);
  return runsTable.update(record.id, fields); // expect: update
}

module.exports = { startRun, updateRun };
