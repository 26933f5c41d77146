const express = require('express');
const { body } = require('express-validator');
const Airtable = require('airtable');
const base = new Airtable({ apiKey: process.env.K }).base(process.env.B);
const asyncHandler = (fn) => (req, res, next) => Promise.resolve(fn(req, res, next)).catch(next);
const app = express();
const api = express.Router();
const runs = { table: base('Client Run Results') };
const controller = {
  async create(req, res) {
    const dup = await runs.table.select({ maxRecords: 1 }).firstPage();
    if (dup.length > 0) {
      res.status(409).json({ error: 'duplicate' });
      return;
    }
    const rec = await runs.table.create({ id: req.body.id }); // expect: creation
    res.json(rec);
  },
  async finish(req, res, next) {
    try {
      await runs.table.update(req.params.id, { Status: 'Completed' }); // expect: update
      res.end();
    } catch (err) { next(err); }
  },
};
api.route('/runs').post(body('id').exists(), asyncHandler(controller.create));
api.route('/runs/:id').patch(controller.finish); // expect: no-start
app.use('/api', api);
app.post('/get-or-create', asyncHandler(async (req, res) => {
  const [found] = await runs.table.select({ maxRecords: 1 }).firstPage();
  if (found) return res.json(found);
  res.status(201).json(await runs.table.create(req.body)); // expect: recovery
}));
app.listen(3000, () => console.log('up'));
setInterval(() => runs.table.update('rec1', { Beat: 1 }), 1000); // expect: update, no-start
