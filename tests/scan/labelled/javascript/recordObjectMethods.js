const runs = require('airtable').base('appMain')('Client Run Results');

// Writes by methods of the record itself.
async function complete(id) {
  const record = await runs.find(id);
  await record.patchUpdate({ Status: 'Completed' }); // expect: update
  return record;
}

async function rename(runId, name) {
  const [record] = await runs.select({ filterByFormula: `{Run ID}='${runId}'` }).firstPage();
  if (!record) return null;
  await record.updateFields({ 'Client Name': name }); // expect: update
  return record.get('Client Name');
}

module.exports = { complete, rename };
