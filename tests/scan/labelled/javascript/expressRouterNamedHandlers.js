import { Router } from 'express';
import Airtable from 'airtable';

const table = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');
const router = Router();

async function start(req, res, next) {
  try {
    const clash = await table.select({ filterByFormula: `{Run ID}='${req.body.id}'` }).firstPage();
    if (clash.length > 0) return res.status(409).json({ error: 'exists' });
    const record = await table.create({ 'Run ID': req.body.id }); // expect: creation
    return res.json(record);
  } catch (error) {
    return next(error);
  }
}

async function finish(req, res) {
  await table.update(req.params.id, { Status: 'Completed' }); // expect: update
  res.end();
}

router.post('/', start);
router.post('/:id/finish', requireKey, finish); // expect: no-start

function requireKey(req, res, next) {
  if (req.get('x-key') !== process.env.KEY) res.sendStatus(401);
  else next();
}

export default router;
