const express = require('express');
const runs = require('airtable').base('appMain')('Client Run Results');

const app = express();

const startRun = (runId) => runs.create({ 'Run ID': runId }); // expect: creation
const closeRun = (id, status) => runs.update(id, { Status: status }); // expect: update

async function scoreAll(id) {
  await closeRun(id, 'Completed'); // expect: updating-wrapper
}

app.post('/score', async (req, res) => {
  const record = await startRun(req.body.runId); // expect: creating-wrapper
  res.status(202).json({ id: record.id });
  setImmediate(() => {
    scoreAll(record.id).catch((error) => console.error(error));
  });
});

app.post('/rescore/:id', async (req, res) => { // expect: no-start
  res.sendStatus(202);
  process.nextTick(() => scoreAll(req.params.id));
});

module.exports = app;
