// Forms of airtable.js.
const Airtable = require('airtable');
const { TABLES } = require('./config_of_tables');
const airtable = new Airtable({ apiKey: process.env.AIRTABLE_API_KEY });
const base = airtable.base(process.env.AIRTABLE_BASE_ID);
const RUN_TABLE = process.env.RUN_TABLE || 'Client Run Results';

async function direct(fields) {
  await base('Client Run Results').create(fields); // expect: creation
  await base(RUN_TABLE).create([{ fields }], { typecast: true }); // expect: creation
  await base(`Client Run Results`).update('rec1', fields); // expect: update
  await base.table('Clients').replace([{ id: 'rec1', fields }]); // expect: update@Clients
  await base(RUN_TABLE).update([{ fields }], { performUpsert: { fieldsToMergeOn: ['Run ID'] } }); // expect: upsert
  await base(TABLES.RUNS).create(fields); // expect: creation
  await base(TABLES['CLIENTS']).create(fields); // expect: creation@Clients
  await base(process.env.OTHER).create(fields); // expect: unresolved
  await base(RUN_TABLE).destroy('rec1');
  await base(RUN_TABLE).select({ view: 'Grid' }).all();
}

const callbackStyle = (id, done) => {
  base(RUN_TABLE).create({ 'Run ID': id }, function (err, record) { // expect: creation
    if (err) return done(err);
    done(null, record.getId());
  });
};

async function chained(id) {
  return base(RUN_TABLE)
    .select({ filterByFormula: `{Run ID} = '${id}'` })
    .firstPage()
    .then((records) => {
      if (!records.length) {
        return base(RUN_TABLE).create({ 'Run ID': id }); // expect: recovery
      }
      return records[0].updateFields({ Status: 'Running' }); // expect: update
    });
}

const crypto = require('crypto');
function negatives(data, set, map) {
  crypto.createHash('sha256').update(data).digest('hex');
  set.add(data);
  map.set('a', 1);
  document.createElement('div');
  Object.create(null);
  axios.create({ baseURL: 'https://example.com' }).post('/runs', data);
  fetch('https://api.airtable.com/v0/meta/bases/app1/tables', { method: 'POST', body: '{}' });
  // base(RUN_TABLE).create(data)
  return { update: true, create: false };
}
module.exports = { direct, callbackStyle, chained, negatives };
