// scan: runs = "runs"
import mysql from 'mysql2/promise';

const pool = mysql.createPool({ uri: process.env.MYSQL });

const SQL = {
  start: 'INSERT INTO runs (run_id, client_id) VALUES (?, ?)',
  save: 'INSERT INTO `runs` (run_id, tokens) VALUES (?, ?) ON DUPLICATE KEY UPDATE tokens = VALUES(tokens)',
  replace: 'REPLACE INTO runs (run_id, tokens) VALUES (?, ?)',
  finish: 'UPDATE runs SET status = ? WHERE run_id = ?',
};

export async function start(runId, clientId) {
  await pool.execute(SQL.start, [runId, clientId]); // expect: creation
}

export async function save(runId, tokens) {
  await pool.execute(SQL.save, [runId, tokens]); // expect: upsert
}

export async function reset(runId) {
  await pool.query(SQL.replace, [runId, 0]); // expect: upsert
}

export async function finish(runId, status) {
  const [result] = await pool.execute(SQL.finish, [status, runId]); // expect: update
  if (result.affectedRows === 0) throw new Error(`no run ${runId}`);
}
