const Airtable = require('airtable');

const table = Airtable.base('appC')('Client Run Results');
const ids = new Map();

async function createRun(runId) {
  const record = await table.create({ 'Run ID': runId }); // expect: creation
  ids.set(runId, record.id);
  return record.id;
}

async function recordId(runId) {
  if (ids.has(runId)) return ids.get(runId);
  const [record] = await table.select({ filterByFormula: `{Run ID}='${runId}'` }).firstPage();
  if (record) {
    ids.set(runId, record.id);
    return record.id;
  }
  return createRun(runId); // expect: recovery
}

exports.log = async (runId, text) => {
  const id = await recordId(runId);
  await table.update(id, { Log: text }); // expect: update
};

exports.fail = async (runId, error) => {
  const id = ids.get(runId);
  if (!id) {
    console.warn('unknown run', runId);
    return null;
  }
  return table.update(id, { Status: 'Failed', Error: error.message }); // expect: update
};
exports.createRun = createRun;
