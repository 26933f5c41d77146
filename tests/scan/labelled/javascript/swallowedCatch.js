const runs = require('airtable').base('appMain')('Client Run Results');

async function open(runId) {
  return runs.create({ 'Run ID': runId }); // expect: creation
}

exports.report = async (id, runId, fields) => {
  let record;
  try {
    record = await runs.find(id);
  } catch {
    // not there
  }
  if (!record) {
    record = await open(runId); // expect: recovery
  }
  return runs.update(record.id, fields); // expect: update
};

exports.again = async (id, fields) => {
  const answer = await runs.update(id, fields).catch(() => null); // expect: update
  if (!answer) await open(fields['Run ID']); // expect: recovery
};
