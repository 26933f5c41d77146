const Airtable = require('airtable');
const table = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');

const MERGE = { performUpsert: { fieldsToMergeOn: ['Run ID', 'Client ID'] } };

async function updateMetrics(rows) {
  const records = rows.map((fields) => ({ fields }));
  await table.update(records, { performUpsert: { fieldsToMergeOn: ['Run ID'] }, typecast: true }); // expect: upsert
}

async function updateMany(rows) {
  await table.update(rows.map((fields) => ({ fields })), MERGE); // expect: upsert
}

async function updateStatus(rows) {
  await table.update(rows, { typecast: true }); // expect: update
}

async function replaceAll(rows) {
  await table.replace(rows, { ...MERGE, typecast: true }); // expect: upsert
}

module.exports = { updateMetrics, updateMany, updateStatus, replaceAll };
