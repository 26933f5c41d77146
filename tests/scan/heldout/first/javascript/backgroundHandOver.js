const { Router } = require('express');
const cron = require('node-cron');
const runs = require('airtable').base('appB')('Client Run Results');

const router = Router();
const pending = [];

async function complete(id) {
  await runs.update(id, { Status: 'Completed' }); // expect: update
}

function later(work) {
  setTimeout(work, 1000);
}

router.post('/complete/:id', (req, res) => { // expect: no-start
  later(() => complete(req.params.id)); // expect: updating-wrapper
  res.sendStatus(202);
});

router.post('/queue/:id', (req, res) => {
  pending.push(req.params.id);
  res.sendStatus(202);
});

cron.schedule('*/5 * * * *', async () => { // expect: no-start
  while (pending.length) {
    await complete(pending.pop()); // expect: updating-wrapper
  }
});

router.post('/start', async (req, res) => {
  const { id } = await runs.create({ 'Run ID': req.body.runId }); // expect: creation
  void complete(id); // expect: updating-wrapper
  res.status(201).json({ id });
});

module.exports = router;
