'use strict';

const Airtable = require('airtable');
const runs = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');
const pending = [];

// Only ever creates.
async function updateRunStatus(runId) {
  return runs.create({ 'Run ID': runId, Status: 'Running' }); // expect: creation
}

// Writes nothing.
function createRunRecord(runId) {
  const record = { runId, status: 'Running', id: null };
  pending.push(record);
  return record;
}

// Only ever updates.
async function insertRun(id, fields) {
  return runs.update(id, fields); // expect: update
}

async function upsertRun(runId) {
  const local = createRunRecord(runId);
  const remote = await updateRunStatus(runId); // expect: creating-wrapper
  await insertRun(remote.id, local); // expect: updating-wrapper
}

module.exports = { upsertRun };
