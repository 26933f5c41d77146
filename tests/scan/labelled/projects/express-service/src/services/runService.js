const { createRun, patchRun, findRun } = require('../airtable');
const { recordId, forget } = require('./runCache');
const { STATUS } = require('../constants/tables');

class RunExistsError extends Error {}

async function startRun(runId, clientId) {
  if (await findRun(runId, clientId)) {
    throw new RunExistsError(`${runId} of ${clientId} exists`);
  }
  return createRun(runId, clientId); // expect: creating-wrapper
}

async function addMetrics(runId, clientId, metrics) {
  const id = await recordId(runId, clientId);
  return patchRun(id, metrics); // expect: updating-wrapper
}

async function completeRun(id) {
  const record = await patchRun(id, { Status: STATUS.COMPLETED, 'End Time': new Date().toISOString() }); // expect: updating-wrapper
  forget(record.get('Run ID'), record.get('Client ID'));
  return record;
}

async function failRun(id, error) {
  return patchRun(id, { Status: STATUS.FAILED, Error: String(error) }); // expect: updating-wrapper
}

module.exports = { RunExistsError, startRun, addMetrics, completeRun, failRun };
