// scan: runs = "runs"
const Database = require('better-sqlite3');

const db = new Database('runs.db');
const insertRun = db.prepare('INSERT INTO runs (run_id, client_id) VALUES (?, ?)');
const saveRun = db.prepare('INSERT OR REPLACE INTO runs (run_id, client_id, status) VALUES (?, ?, ?)');
const setStatus = db.prepare('UPDATE runs SET status = ? WHERE run_id = ?');
const byId = db.prepare('SELECT * FROM runs WHERE run_id = ?');

function start(runId, clientId) {
  insertRun.run(runId, clientId); // expect: creation
}

function save(runId, clientId, status) {
  saveRun.run(runId, clientId, status); // expect: upsert
}

function finish(runId) {
  const { changes } = setStatus.run('Completed', runId); // expect: update
  if (changes === 0) throw new Error('unknown run');
}

function touch(runId) {
  if (byId.get(runId) === undefined) {
    insertRun.run(runId, 'unknown'); // expect: recovery
  }
}

module.exports = { start, save, finish, touch };
