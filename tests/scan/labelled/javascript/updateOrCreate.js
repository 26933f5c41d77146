const base = require('airtable').base('appMain');

const TABLE = 'Client Run Results';

/** Updates the run of a client. */
async function updateRunRecord(runId, clientId, fields) {
  const records = await base(TABLE)
    .select({ filterByFormula: `AND({Run ID}='${runId}',{Client ID}='${clientId}')`, maxRecords: 1 })
    .firstPage();

  if (!records || records.length === 0) {
    console.warn(`run ${runId} not found, creating`);
    return base(TABLE).create([{ fields: { 'Run ID': runId, 'Client ID': clientId, ...fields } }]); // expect: recovery
  }

  return base(TABLE).update([{ id: records[0].id, fields }]); // expect: update
}

module.exports = updateRunRecord;
