import { Router } from 'express';
import Airtable from 'airtable';

const runs = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');
const router = Router();

async function begin(runId: string): Promise<string> {
  return (await runs.create({ 'Run ID': runId })).id; // expect: creation
}

async function write(id: string, score: number): Promise<void> {
  await runs.update(id, { Score: score }); // expect: update
}

async function scoreInBackground(id: string): Promise<void> {
  await write(id, 1); // expect: updating-wrapper
}

router.post('/jobs', async (req, res) => {
  const id = await begin(req.body.runId); // expect: creating-wrapper
  res.status(202).json({ id });
  void scoreInBackground(id);
});

router.post('/jobs/:id/again', (req, res) => { // expect: no-start
  res.sendStatus(202);
  setTimeout(() => void scoreInBackground(req.params.id), 0);
});

export default router;
