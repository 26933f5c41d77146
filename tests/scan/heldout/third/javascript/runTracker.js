'use strict';
const Airtable = require('airtable');
const { logger } = require('./logger');

const base = new Airtable({ apiKey: process.env.AIRTABLE_API_KEY }).base(process.env.AIRTABLE_BASE_ID);
const RUNS = 'Client Run Results';
const cache = new Map();

function escape(text) {
  return text.replace(/'/g, "\\'");
}

async function getRecord(runId, clientId) {
  const key = `${runId}:${clientId}`;
  if (cache.has(key)) return cache.get(key);
  const [record] = await base(RUNS)
    .select({ filterByFormula: `AND({Run ID} = '${escape(runId)}', {Client ID} = '${escape(clientId)}')`, maxRecords: 1 })
    .firstPage();
  if (record) cache.set(key, record);
  return record;
}

async function createRecord(runId, clientId, fields = {}) {
  const existing = await getRecord(runId, clientId);
  if (existing) {
    throw new Error(`run ${runId} exists`);
  }
  const record = await base(RUNS).create({ 'Run ID': runId, 'Client ID': clientId, ...fields }); // expect: creation
  cache.set(`${runId}:${clientId}`, record);
  return record;
}

async function updateRecord(runId, clientId, fields, { createIfMissing = false } = {}) {
  const record = await getRecord(runId, clientId);
  if (!record) {
    if (createIfMissing) {
      return createRecord(runId, clientId, fields); // expect: recovery
    }
    logger.warn(`no record of ${runId}`);
    return null;
  }
  return base(RUNS).update(record.id, fields); // expect: update
}

const complete = (runId, clientId) => updateRecord(runId, clientId, { Status: 'Completed' }, { createIfMissing: true }); // expect: updating-wrapper

async function fail(runId, clientId, error) {
  const record = await getRecord(runId, clientId);
  if (!record) throw new Error('not found');
  await base(RUNS).update([{ id: record.id, fields: { Status: 'Failed', Error: error.message } }]); // expect: update
}

module.exports = { createRecord, updateRecord, complete, fail };
