const Airtable = require('airtable');
const Database = require('better-sqlite3');

const table = new Airtable({ apiKey: 'k' }).base('app').table('Client Run Results');
const db = new Database('runs.db');

const insert = db.prepare('INSERT INTO client_runs (id, state) VALUES (@id, @state)');
const save = db.prepare(`
  INSERT INTO client_runs (id, state) VALUES (@id, @state)
  ON CONFLICT(id) DO UPDATE SET state = excluded.state
`);

exports.mirror = (run) => save.run(run); // expect: upsert

exports.begin = (id) => insert.run({ id, state: 'running' }); // expect: creation

exports.push = async (records) => {
  const options = { typecast: true, performUpsert: { fieldsToMergeOn: ['Run ID'] } };
  for (let i = 0; i < records.length; i += 10) {
    await table.update(records.slice(i, i + 10), options); // expect: upsert
  }
};

exports.set = async (id, fields) => {
  try {
    return await table.update(id, fields); // expect: update
  } catch (error) {
    if (error.error !== 'NOT_FOUND') throw error;
  }
  return table.create(fields); // expect: recovery
};

exports.all = db.transaction((runs) => runs.forEach((run) => insert.run(run))); // expect: creation
