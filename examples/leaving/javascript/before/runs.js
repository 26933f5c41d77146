// Run records in an Airtable table, "repaired" wherever one is missing.
const Airtable = require("airtable");

const table = new Airtable({ apiKey: process.env.AIRTABLE_API_KEY }).base("appOutreachBase00")("Client Runs");

// The record of each run. It forgets at each restart, and does not know that a run has several clients.
const recordIds = {};

async function createRun(runId, clientId, cells = {}) {
  const row = await table.create({ "Run ID": runId, "Client ID": clientId, Status: "Running", ...cells });
  recordIds[runId] = row.id;
  return row.id;
}

async function findRun(runId, clientId) {
  if (recordIds[runId]) return recordIds[runId];
  const filterByFormula = `AND({Run ID} = "${runId}", {Client ID} = "${clientId}")`;
  const rows = await table.select({ filterByFormula, maxRecords: 1 }).firstPage();
  return rows.length > 0 ? rows[0].id : null;
}

async function updateRun(runId, clientId, cells) {
  let recordId = await findRun(runId, clientId);
  if (!recordId) {
    recordId = await createRun(runId, clientId);
  }
  await table.update(recordId, cells);
}

module.exports = { table, recordIds, createRun, findRun, updateRun };
