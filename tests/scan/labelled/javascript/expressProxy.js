const express = require('express');

const app = express();
const runs = new Map();

app.post('/runs', (req, res) => {
  runs.set(req.body.id, { status: 'Running' });
  res.sendStatus(201);
});

app.patch('/runs/:id', async (req, res) => {
  const answer = await fetch(`http://run-service.internal/runs/${req.params.id}`, {
    method: 'PATCH',
    body: JSON.stringify(req.body),
  });
  runs.set(req.params.id, await answer.json());
  res.json(runs.get(req.params.id));
});

app.put('/runs/:id', (req, res) => {
  const run = runs.get(req.params.id) ?? {};
  runs.set(req.params.id, Object.assign(run, req.body));
  res.json(run);
});

app.listen(8080);
