const crypto = require('crypto');
const base = require('airtable').base('appMain');

const runs = new Map();

function sign(body) {
  return crypto.createHmac('sha256', process.env.SECRET).update(body).digest('hex');
}

function hash(records) {
  const sum = crypto.createHash('md5');
  for (const record of records) {
    sum.update(record.id);
    sum.update(JSON.stringify(record.fields));
  }
  return sum.digest('base64');
}

function createRun(runId) {
  const run = Object.create(null);
  runs.set(runId, run);
  return run;
}

function updateRun(runId, fields) {
  if (!runs.has(runId)) createRun(runId);
  Object.assign(runs.get(runId), fields);
}

const list = () => base('Client Run Results').select().all();

module.exports = { sign, hash, createRun, updateRun, list };
