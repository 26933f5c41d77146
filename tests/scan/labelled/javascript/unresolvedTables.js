const base = require('airtable').base('appMain');
const { TABLES } = require('./not-in-this-set');

async function createIn(tableName, fields) {
  return base(tableName).create(fields); // expect: unresolved
}

async function begin(fields) {
  return base(TABLES.RUNS).create(fields); // expect: unresolved
}

async function end(id) {
  return base(process.env.RUNS_TABLE).update(id, { Done: true }); // expect: unresolved
}

async function endKnown(id) {
  return base(process.env.RUNS_TABLE || 'Client Run Results').update(id, { Done: true }); // expect: update
}

async function endNullish(id) {
  const name = process.env.RUNS_TABLE ?? 'Client Run Results';
  return base(name).update(id, { Done: true }); // expect: update
}

module.exports = { createIn, begin, end, endKnown, endNullish };
