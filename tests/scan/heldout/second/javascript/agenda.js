const Agenda = require('agenda');
const { MongoClient } = require('mongodb');
const base = require('airtable').base('appAgenda');

const agenda = new Agenda({ db: { address: process.env.MONGO } });
const RUNS = 'Client Run Results';

const mark = (id, status) => base(RUNS).update(id, { Status: status }); // expect: update

agenda.define('expire runs', async () => { // expect: no-start
  const stale = await base(RUNS).select({ view: 'Stale' }).all();
  await Promise.all(stale.map((record) => mark(record.id, 'Expired'))); // expect: updating-wrapper
});

agenda.define('nightly', async (job) => {
  const [record] = await base(RUNS).create([{ fields: { 'Run ID': job.attrs.data.runId } }]); // expect: creation
  try {
    await new MongoClient(process.env.MONGO).db().collection('runs').updateOne({ _id: 1 }, { $inc: { n: 1 } });
  } finally {
    await mark(record.id, 'Completed'); // expect: updating-wrapper
  }
});

(async () => {
  await agenda.start();
  await agenda.every('1 hour', 'expire runs');
})();
