const express = require('express');
const asyncHandler = require('express-async-handler');
const runs = require('airtable').base('appMain')('Client Run Results');

const app = express();
const auth = (req, res, next) => (req.get('x-key') ? next() : res.sendStatus(401));

async function begin(req, res, next) {
  req.run = await runs.create({ 'Run ID': req.body.runId }); // expect: creation
  next();
}

const patch = asyncHandler(async (req, res) => {
  await runs.update(req.params.id, req.body); // expect: update
  res.end();
});

app.route('/runs/:id').patch(auth, patch); // expect: no-start
app.put('/runs/:id', [auth, express.json()], patch); // expect: no-start

// The middleware before the handler starts the run.
app.post('/score', auth, begin, async (req, res) => {
  await runs.update(req.run.id, { Status: 'Completed' }); // expect: update
  res.end();
});

app.listen(3000);
