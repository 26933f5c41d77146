const store = require('../airtable');

const ids = new Map();
const keyOf = (runId, clientId) => `${runId}-${clientId}`;

async function recordId(runId, clientId) {
  const key = keyOf(runId, clientId);
  if (ids.has(key)) return ids.get(key);
  let record = await store.findRun(runId, clientId);
  if (!record) {
    record = await store.createRun(runId, clientId); // expect: recovery
  }
  ids.set(key, record.id);
  return record.id;
}

function forget(runId, clientId) {
  ids.delete(keyOf(runId, clientId));
}

module.exports = { recordId, forget };
