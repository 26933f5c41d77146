// scan: runs = "client_runs"
const ROOT = 'https://api.airtable.com/v0/app';

exports.save = async (run, isNew) => {
  const method = isNew ? 'POST' : 'PATCH';
  await fetch(`${ROOT}/client_runs`, { method, body: JSON.stringify(run) }); // expect: creation, update
};

exports.saveById = async (run) => {
  const url = run.id ? `${ROOT}/client_runs/${run.id}` : `${ROOT}/client_runs`;
  await fetch(url, { method: run.id ? 'PATCH' : 'POST', body: JSON.stringify(run) }); // expect: creation, update
};

exports.put = async (db, run) => {
  const table = run.old ? 'archive' : 'client_runs';
  await db.query(`INSERT INTO ${table} (id) VALUES ($1)`, [run.id]); // expect: creation, creation@archive
};

const byKind = { run: 'client_runs', old: 'archive' };
exports.log = (db, kind) => (kind ? db.query(`INSERT INTO ${byKind[kind]} (id) VALUES (1)`) : db.query('INSERT INTO log (id) VALUES (1)')); // expect: creation, creation@archive, creation@log

const current = { table: 'client_runs' };
const former = { table: 'archive' };
const other = { id: 1 };
exports.spread = async (db, old) => {
  const chosen = { table: 'log', ...(old ? former : current) };
  await db.query(`INSERT INTO ${chosen.table} (id) VALUES (1)`); // expect: creation, creation@archive
  const perhaps = { table: 'log', ...(old ? other : current) };
  await db.query(`INSERT INTO ${perhaps.table} (id) VALUES (1)`); // expect: creation, creation@log
};

const late = { table: null };
late.table = 'client_runs';
exports.late = async (db) => {
  await db.query(`INSERT INTO ${late.table} (id) VALUES (1)`); // expect: creation
};

exports.switched = async (db, kind) => {
  let table = 'client_runs';
  switch (kind) {
    case 'old':
      table = 'archive';
      break;
    case 'note': {
      table = 'notes';
      break;
    }
  }
  await db.query(`INSERT INTO ${table} (id) VALUES (1)`); // expect: creation, creation@archive, creation@notes
};
