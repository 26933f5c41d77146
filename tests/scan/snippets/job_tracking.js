const airtableClient = require('./airtableClient');
const { createLogger } = require('./logger');
const CLIENT_RUN_RESULTS_TABLE = 'Client Run Results';
const JOB_TRACKING_TABLE = 'Job Tracking';
let clientsBase = null;
function initializeClientsBase() {
  if (clientsBase) return clientsBase;
  const Airtable = require('airtable');
  Airtable.configure({ apiKey: process.env.AIRTABLE_API_KEY });
  clientsBase = Airtable.base(process.env.MASTER_CLIENTS_BASE_ID);
  return clientsBase;
}
async function createJobTrackingRecord(runId, stream) {
  const base = initializeClientsBase();
  const existing = await base(JOB_TRACKING_TABLE).select({ filterByFormula: `{Run ID} = '${runId}'`, maxRecords: 1 }).firstPage();
  if (existing && existing.length > 0) {
    return existing[0];
  }
  const recordData = { 'Run ID': runId, Stream: stream };
  const created = await base(JOB_TRACKING_TABLE).create(recordData); // expect: creation@Job Tracking
  return created;
}
async function updateClientRun(params) {
  const { runId, clientId, options = {} } = params;
  const base = initializeClientsBase();
  const query = `AND({Run ID} = '${runId}', {Client ID} = '${clientId}')`;
  let records = await base(CLIENT_RUN_RESULTS_TABLE).select({ filterByFormula: query, maxRecords: 1 }).firstPage();
  if (!records || records.length === 0) {
    if (options.createIfMissing) {
      return await createClientRun({ runId, clientId }); // expect: recovery
    }
    throw new Error(`Client run record not found for ${runId}`);
  }
  const updated = await base(CLIENT_RUN_RESULTS_TABLE).update(records[0].id, { Status: 'Running' }); // expect: update
  return updated;
}
async function createClientRun({ runId, clientId, initialData = {} }) {
  const base = initializeClientsBase();
  const records = await base(CLIENT_RUN_RESULTS_TABLE).create([{ fields: { 'Run ID': runId, ...initialData } }]); // expect: creation
  return records[0];
}
const completeClientRun = async (params) => {
  const { status = 'Completed' } = params;
  return await updateClientRun({ ...params, updates: { Status: status } }); // expect: updating-wrapper
};
module.exports = {
  createJobTrackingRecord,
  updateClientRun,
  createClientRun,
  completeClientRun,
};
