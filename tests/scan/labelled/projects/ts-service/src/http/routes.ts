import { Router } from 'express';

import tracker from '../services/tracker.js';
import { Workflow } from '../services/workflow.js';
import { RunTable as Table } from '../store/index.js';

const workflow = new Workflow([]);
const table = new Table();

export const routes: Router = Router();

routes.post('/workflows/:runId', async (req, res) => {
  await workflow.run(req.params.runId, req.body.client);
  res.sendStatus(204);
});

routes.post('/runs/:id/finish', async (req, res) => { // expect: no-start
  await workflow.finish(req.params.id);
  res.sendStatus(204);
});

routes.patch('/runs/:id', async (req, res) => { // expect: no-start
  await table.patch(req.params.id, req.body); // expect: updating-wrapper
  res.sendStatus(204);
});

routes.post('/runs', async (req, res) => {
  res.status(201).json({ id: await tracker.start(req.body.runId, req.body.clientId) });
});
