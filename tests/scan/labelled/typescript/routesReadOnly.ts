import { Router } from 'express';
import Airtable from 'airtable';

const table = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');
const router = Router();

router.get('/runs/:id', async (req, res) => {
  res.json((await table.find(req.params.id)).fields);
});

router.post('/runs/search', async (req, res) => {
  const formula = `{Status}='${req.body.status}'`;
  const found = await table.select({ filterByFormula: formula }).all();
  res.json(found.map((record) => record.id));
});

router.delete('/runs/:id', async (req, res) => {
  await table.destroy(req.params.id);
  res.sendStatus(204);
});

export const updateRoutes = (prefix: string): Router => Router().use(prefix, router);
