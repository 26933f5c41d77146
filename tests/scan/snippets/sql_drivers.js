const { Pool } = require('pg');
const Database = require('better-sqlite3');
const mysql = require('mysql2/promise');
const pool = new Pool();
const lite = new Database('runs.db');
const INSERT_RUN = lite.prepare('INSERT INTO client_runs (run_id) VALUES (?)');
const RUNS = 'client_runs';
async function startRun(id) {
  await pool.query('INSERT INTO client_runs (run_id) VALUES ($1)', [id]); // expect: creation
}
async function finish(id) {
  const { rowCount } = await pool.query(`UPDATE client_runs SET status = 'done' WHERE run_id = $1`, [id]); // expect: update
  if (rowCount === 0) {
    await pool.query(`INSERT INTO ${RUNS} (run_id, status) VALUES ($1, 'done')`, [id]); // expect: recovery
  }
}
function insertLite(id) { INSERT_RUN.run(id); } // expect: creation
async function upsertRun(client, id) {
  await client.query({ // expect: upsert
    text: `INSERT INTO client_runs (run_id) VALUES ($1)
           ON CONFLICT (run_id) DO UPDATE SET seen = now()`,
    values: [id],
  });
}
async function my(conn, id) {
  await conn.execute('INSERT INTO `client_runs` (run_id) VALUES (?) ON DUPLICATE KEY UPDATE seen = NOW()', [id]); // expect: upsert
  await conn.query('REPLACE INTO client_runs SET run_id = ?', [id]); // expect: upsert
  await conn.query('INSERT IGNORE INTO client_runs (run_id) VALUES (?)', [id]); // expect: creation
  await conn.query('SELECT 1; DELETE FROM client_runs');
}
function update(id) {
  const found = lite.prepare('SELECT * FROM client_runs WHERE run_id = ?').get(id);
  if (!found) return lite.prepare('INSERT INTO client_runs (run_id) VALUES (?)').run(id); // expect: recovery
  return lite.prepare('UPDATE client_runs SET x = 1 WHERE run_id = ?').run(id); // expect: update
}
async function tagged(sql, id) {
  await sql`INSERT INTO client_runs ${sql({ id })}`; // expect: creation
  const rows = await sql`SELECT * FROM client_runs WHERE id = ${id}`;
  if (rows.length === 0) throw new Error('missing');
  await sql`UPDATE client_runs SET x = ${id}`; // expect: update
}
function log() { logger.info('insert into client_runs is slow'); const q = 'UPDATE client_runs SET a = 1'; return q.length; }
module.exports = { startRun, finish };
