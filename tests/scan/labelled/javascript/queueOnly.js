const { Queue } = require('bullmq');
const redis = require('redis').createClient();

const queue = new Queue('Client Run Results');

async function createRun(runId, clientId) {
  await queue.add('create', { table: 'Client Run Results', fields: { 'Run ID': runId, 'Client ID': clientId } });
}

async function updateRun(runId, fields) {
  await redis.hSet(`run:${runId}`, fields);
  await redis.publish('runs', JSON.stringify({ op: 'update', runId }));
}

async function upsertRun(runId, fields) {
  if (!(await redis.exists(`run:${runId}`))) await createRun(runId, fields.client);
  await updateRun(runId, fields);
}

module.exports = { createRun, updateRun, upsertRun };
