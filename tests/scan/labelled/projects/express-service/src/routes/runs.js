const { Router } = require('express');
const { runs } = require('../services');

const router = Router();

router.post('/', async (req, res, next) => {
  try {
    const record = await runs.startRun(req.body.runId, req.body.clientId);
    res.status(201).json({ id: record.id });
  } catch (error) {
    if (error instanceof runs.RunExistsError) res.status(409).json({ error: error.message });
    else next(error);
  }
});

router.post('/:id/complete', async (req, res) => { // expect: no-start
  await runs.completeRun(req.params.id);
  res.sendStatus(204);
});

router.post('/:id/fail', async (req, res) => { // expect: no-start
  await runs.failRun(req.params.id, req.body.error);
  res.sendStatus(204);
});

module.exports = router;
