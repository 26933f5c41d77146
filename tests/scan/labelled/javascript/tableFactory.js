const Airtable = require('airtable');

const connect = () => new Airtable({ apiKey: process.env.AIRTABLE_KEY }).base(process.env.AIRTABLE_BASE);

let cachedBase;
function getBase() {
  if (!cachedBase) cachedBase = connect();
  return cachedBase;
}

const table = (name) => getBase()(name);
const runsTable = () => table('Client Run Results');

async function begin(runId) {
  const t = runsTable();
  const [record] = await t.create([{ fields: { 'Run ID': runId } }]); // expect: creation
  return record.id;
}

async function end(id) {
  const close = (fields) => runsTable().update(id, fields); // expect: update
  return close({ Status: 'Completed' }); // expect: updating-wrapper
}

module.exports = { begin, end };
