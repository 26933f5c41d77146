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
