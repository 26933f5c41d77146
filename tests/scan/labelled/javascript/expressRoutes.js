const express = require('express');
const Airtable = require('airtable');

const app = express();
const runs = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');

app.use(express.json());

app.post('/runs', async (req, res) => {
  const record = await runs.create({ 'Run ID': req.body.runId }); // expect: creation
  res.status(201).json({ id: record.id });
});

app.patch('/runs/:id', async (req, res) => { // expect: no-start
  const record = await runs.update(req.params.id, req.body); // expect: update
  res.json(record.fields);
});

app.get('/runs/:id', async (req, res) => res.json((await runs.find(req.params.id)).fields));

app.delete('/runs/:id', async (req, res) => {
  await runs.destroy(req.params.id);
  res.sendStatus(204);
});

app.listen(3000);
