const express = require('express');
const { runs } = require('../services');
const { clients, createRun, patchRun } = require('../airtable');

const router = express.Router();

async function score(recordId, posts) {
  await patchRun(recordId, { 'Posts Scored': posts.length }); // expect: updating-wrapper
  await runs.completeRun(recordId);
}

router.post('/score', async (req, res) => {
  const record = await createRun(req.body.runId, req.body.clientId); // expect: creating-wrapper
  res.status(202).json({ id: record.id });
  score(record.id, req.body.posts).catch((error) => runs.failRun(record.id, error));
});

router.post('/clients', async (req, res) => {
  const client = await clients.addClient(req.body.name); // expect: creating-wrapper@Clients
  res.json({ id: client.id });
});

router.post('/posts', async (req, res) => { // expect: no-start
  await clients.savePosts(req.body.posts); // expect: creating-wrapper@LinkedIn Posts
  await score(req.body.recordId, req.body.posts);
  res.end();
});

module.exports = router;
