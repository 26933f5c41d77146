// scan: runs = "runs"
const { Pool } = require('pg');

const pool = new Pool();

async function insert(table, runId) {
  await pool.query(`INSERT INTO ${table} (run_id) VALUES ($1)`, [runId]); // expect: unresolved
}

async function finish(table, runId) {
  await pool.query('UPDATE ' + table + " SET status = 'Done' WHERE run_id = $1", [runId]); // expect: unresolved
}

async function list(table) {
  return (await pool.query(`SELECT * FROM ${table}`)).rows;
}

async function insertRun(runId) {
  const table = 'runs';
  await pool.query(`INSERT INTO ${table} (run_id) VALUES ($1)`, [runId]); // expect: creation
}

module.exports = { insert, finish, list, insertRun };
