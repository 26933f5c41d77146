const express = require('express');
const Airtable = require('airtable');

const base = new Airtable({ apiKey: process.env.K }).base('app');

async function updateRun(id, fields) {
  return base('Client Run Results').update(id, fields); // expect: update
}

async function createClient(name) {
  return base('Clients').create({ Name: name }); // expect: creation@Clients
}

const app = express();

// Makes a client, which is no start of a run.
app.post('/clients', async (req, res) => { // expect: no-start
  const client = await createClient(req.body.name); // expect: creating-wrapper@Clients
  await updateRun(req.body.run, { Client: [client.id] }); // expect: updating-wrapper
  res.json(client);
});

app.post('/clients/plain', async (req, res) => {
  res.json(await createClient(req.body.name)); // expect: creating-wrapper@Clients
});

app.listen(process.env.PORT || 3000);
