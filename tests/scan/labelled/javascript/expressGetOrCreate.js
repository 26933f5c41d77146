const express = require('express');
const base = require('airtable').base('appMain');

const router = express.Router();
const TABLE = 'Client Run Results';

router.put('/clients/:client/runs/:run', async (req, res) => {
  const { client, run } = req.params;
  const found = await base(TABLE).select({ filterByFormula: `AND({Run ID}='${run}',{Client ID}='${client}')` }).all();
  if (found.length) {
    return res.json(found[0]);
  }
  const created = await base(TABLE).create({ 'Run ID': run, 'Client ID': client }); // expect: recovery
  return res.json(created);
});

module.exports = router;
