const { getBase } = require('./client');
const { TABLES, STATUS } = require('../constants/tables');

const table = () => getBase()(TABLES.RUNS);

async function findRun(runId, clientId) {
  const records = await table()
    .select({ filterByFormula: `AND({Run ID}='${runId}',{Client ID}='${clientId}')`, maxRecords: 1 })
    .firstPage();
  return records[0] || null;
}

async function createRun(runId, clientId, fields = {}) {
  const [record] = await table().create([ // expect: creation
    { fields: { 'Run ID': runId, 'Client ID': clientId, Status: STATUS.RUNNING, ...fields } },
  ]);
  return record;
}

async function patchRun(id, fields) {
  const [record] = await table().update([{ id, fields }], { typecast: true }); // expect: update
  return record;
}

/** Updates the run of a client. */
async function updateRun(runId, clientId, fields) {
  const record = await findRun(runId, clientId);
  if (!record) {
    return createRun(runId, clientId, fields); // expect: recovery
  }
  return patchRun(record.id, fields); // expect: updating-wrapper
}

module.exports = { findRun, createRun, patchRun, updateRun };
