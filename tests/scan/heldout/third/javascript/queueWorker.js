const { Worker, Queue } = require('bullmq');
const axios = require('axios');

const airtable = axios.create({
  baseURL: `https://api.airtable.com/v0/${process.env.BASE}`,
  headers: { Authorization: `Bearer ${process.env.TOKEN}` },
});
const TABLE = encodeURIComponent('Client Run Results');
const jobs = new Queue('jobs');

async function findRun(runId) {
  const { data } = await airtable.get(`/${TABLE}`, { params: { filterByFormula: `{Run ID}='${runId}'` } });
  return data.records[0];
}

async function startRun(runId) {
  const { data } = await airtable.post(`/${TABLE}`, { fields: { 'Run ID': runId } }); // expect: creation
  return data;
}

async function setStatus(runId, status) {
  const run = (await findRun(runId)) ?? (await startRun(runId)); // expect: recovery
  await airtable.patch(`/${TABLE}/${run.id}`, { fields: { Status: status } }); // expect: update
}

async function begin(runId) {
  const { id } = await startRun(runId); // expect: creating-wrapper
  return id;
}

async function enqueue(runId) {
  await jobs.add('score', { runId });
}

const worker = new Worker('jobs', async (job) => { // expect: no-start
  const run = await findRun(job.data.runId);
  if (!run) {
    throw new Error(`run ${job.data.runId} was not started`);
  }
  await airtable.patch(`/${TABLE}/${run.id}`, { fields: { Beat: Date.now() } }); // expect: update
});

worker.on('failed', (job) => setStatus(job.data.runId, 'Failed')); // expect: no-start, updating-wrapper

module.exports = { begin, enqueue, setStatus };
