import express from 'express';
import Airtable from 'airtable';

const app = express();
const base = new Airtable({ apiKey: 'k' }).base('app');

async function open(runId: string): Promise<string> {
  const [record] = await base('Client Run Results').create([{ fields: { 'Run ID': runId } }]); // expect: creation
  return record!.id;
}

async function close(id: string, status = 'Completed'): Promise<void> {
  await base('Client Run Results').update(id, { Status: status }); // expect: update
}

app.post('/score', async (req, res) => {
  const id = await open(req.body.runId); // expect: creating-wrapper
  try {
    await close(id); // expect: updating-wrapper
    res.json({ id });
  } catch (error) {
    await close(id, 'Failed'); // expect: updating-wrapper
    res.status(500).end();
  }
});

app.post('/close/:id', async (req, res) => { // expect: no-start
  await close(req.params.id); // expect: updating-wrapper
  res.end();
});
