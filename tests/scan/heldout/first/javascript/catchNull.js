const Airtable = require('airtable');

const runs = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');

async function saveRun(id, fields) {
  let record = await runs.update(id, fields).catch(() => undefined); // expect: update
  if (record === undefined) {
    record = await runs.create(fields); // expect: recovery
  }
  return record;
}

const touch = async (id) => {
  const updated = await runs.update(id, { Beat: Date.now() }).then((row) => row, () => null); // expect: update
  return updated || runs.create({ Beat: Date.now() }); // expect: recovery
};

async function setStatus(id, Status) {
  const failed = await runs.update([{ id, fields: { Status } }]).then(() => false).catch((error) => error); // expect: update
  if (failed && failed.statusCode === 404) {
    await runs.create([{ fields: { Status } }]); // expect: recovery
  }
}

async function note(id, text) {
  const row = await runs.find(id).catch(() => null);
  if (!row) return;
  await runs.update(row.id, { Note: text }).catch((error) => console.error(error)); // expect: update
}

async function start(id) {
  await runs.create({ 'Run ID': id }).catch((error) => { // expect: creation
    console.error('start failed', error);
    throw error;
  });
}

module.exports = { saveRun, touch, setStatus, note, start };
