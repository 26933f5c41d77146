// scan: runs = "runs"
const mysql = require('mysql2/promise');

const COLUMNS = ['run_id', 'client_id', 'tokens'];

async function connect() {
  return mysql.createConnection(process.env.MYSQL);
}

async function save(rows) {
  const connection = await connect();
  let statement = `INSERT INTO runs (${COLUMNS.join(', ')}) VALUES ?`;
  statement += ' ON DUPLICATE KEY UPDATE tokens = VALUES(tokens)';
  await connection.query(statement, [rows]); // expect: upsert
}

async function setFields(runId, fields) {
  const connection = await connect();
  const sets = Object.keys(fields).map((name) => `${name} = ?`);
  const statement = ['UPDATE runs SET', sets.join(', '), 'WHERE run_id = ?'].join(' ');
  await connection.execute(statement, [...Object.values(fields), runId]); // expect: update
}

module.exports = { save, setFields };
