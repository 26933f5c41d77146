const base = require('airtable').base('appMain');

const runs = () => base('Client Run Results');

async function findRun(runId) {
  const rows = await runs().select({ filterByFormula: `{Run ID}='${runId}'`, maxRecords: 1 }).all();
  return rows.length ? rows[0] : null;
}

async function updateRun(runId, fields, options = {}) {
  const { createIfMissing = false } = options;
  const record = await findRun(runId);
  if (!record) {
    if (!createIfMissing) {
      throw new Error(`no run ${runId}`);
    }
    return runs().create({ 'Run ID': runId, ...fields }); // expect: recovery
  }
  return runs().update(record.id, fields); // expect: update
}

const complete = (runId) => updateRun(runId, { Status: 'Completed' }, { createIfMissing: true }); // expect: creating-wrapper, updating-wrapper

module.exports = { updateRun, complete };
