import express from 'express';
import cron from 'node-cron';
import Airtable from 'airtable';

const base = new Airtable().base('app1');
const runs = base('Client Run Results');
const router = express.Router();

const updateRun = async (id, fields) => runs.update(id, fields); // expect: update
const startRun = async (id) => {
  const [existing] = await runs.select({ maxRecords: 1 }).firstPage();
  if (existing) throw new Error('already started');
  return runs.create({ 'Run ID': id }); // expect: creation
};

router.patch('/runs/:id', async (req, res) => { // expect: no-start
  await updateRun(req.params.id, req.body); // expect: updating-wrapper
  res.sendStatus(204);
});

router.post('/runs', async (req, res) => {
  const run = await startRun(req.body.id); // expect: creating-wrapper
  await updateRun(run.id, { Status: 'Running' }); // expect: updating-wrapper
  res.json(run);
});

async function finishHandler(req, res) {
  await updateRun(req.params.id, { Status: 'Completed' }); // expect: updating-wrapper
  res.end();
}
router.post('/runs/:id/finish', finishHandler); // expect: no-start

cron.schedule('0 * * * *', async () => { // expect: no-start
  const stale = await runs.select({ view: 'Stale' }).all();
  for (const run of stale) {
    await updateRun(run.id, { Status: 'Failed' }); // expect: updating-wrapper
  }
});

router.put('/runs/:id', async (req, res) => { // expect: no-start
  const record = await runs.find(req.params.id).catch(() => null);
  if (!record) {
    await startRun(req.params.id); // expect: recovery
  } else {
    await updateRun(record.id, req.body); // expect: updating-wrapper
  }
  res.end();
});
export default router;
