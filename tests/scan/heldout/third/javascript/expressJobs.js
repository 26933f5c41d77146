const express = require('express');
const Airtable = require('airtable');

const base = Airtable.base('appX');
const runs = () => base('Client Run Results');
const clients = base.table('Clients');
const router = express.Router();

const wrap = (handler) => (req, res, next) => Promise.resolve(handler(req, res, next)).catch(next);

const byRunId = async (runId) => {
  const rows = await runs().select({ filterByFormula: `{Run ID}='${runId}'` }).all();
  return rows.length > 0 ? rows[0] : null;
};

router.post('/jobs', wrap(async (req, res) => {
  const existing = await byRunId(req.body.runId);
  if (existing) {
    return res.status(409).json({ error: 'already started' });
  }
  const row = await runs().create({ 'Run ID': req.body.runId, Status: 'Running' }); // expect: creation
  res.status(201).json({ id: row.id });
}));

router.post('/jobs/:runId/progress', wrap(async (req, res) => { // expect: no-start
  let row = await byRunId(req.params.runId);
  if (row == null) {
    row = await runs().create({ 'Run ID': req.params.runId }); // expect: recovery
  }
  await runs().update(row.id, { Progress: req.body.progress }); // expect: update
  res.sendStatus(204);
}));

router.put('/jobs/:runId/done', wrap(async (req, res) => { // expect: no-start
  const row = await byRunId(req.params.runId);
  if (!row) return res.status(404).end();
  await runs().update(row.id, { Status: 'Completed' }); // expect: update
  res.end();
}));

router.post('/clients', wrap(async (req, res) => {
  const [client] = await clients.create([{ fields: { Name: req.body.name } }]); // expect: creation@Clients
  res.json(client.fields);
}));

module.exports = router;
