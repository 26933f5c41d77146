const Airtable = require('airtable');
const tables = require('./tables.json');

const base = new Airtable({ apiKey: 'k' }).base(process.env.BASE);

exports.begin = (runId) => base(tables.runs).create({ 'Run ID': runId }); // expect: unresolved

exports.beginOfMonth = (runId) => {
  const month = new Date().toISOString().slice(0, 7);
  return base(`Runs ${month}`).create({ 'Run ID': runId }); // expect: unresolved
};

exports.save = (kind, id, fields) => base(process.env[`TABLE_${kind}`]).update(id, fields); // expect: unresolved

exports.read = (kind) => base(process.env[`TABLE_${kind}`]).select().all();
