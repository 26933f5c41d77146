// scan: runs = "client_run_results"
const { Pool } = require('pg');
const axios = require('axios');

const pool = new Pool();
const url = 'https://api.airtable.com/v0/app/client_run_results';

async function cleanUp(before) {
  await pool.query('DELETE FROM client_run_results WHERE started_at < $1', [before]);
  await pool.query('CREATE INDEX IF NOT EXISTS by_run ON client_run_results (run_id)');
  const { rows } = await pool.query('SELECT id, updated_at FROM client_run_results WHERE status = $1', ['Skipped']);
  await axios.delete(url, { params: { 'records[]': rows.map((row) => row.id) } });
  return rows.length;
}

async function updateStatistics() {
  await pool.query('ANALYZE client_run_results');
  return (await axios.get(url)).data.records.length;
}

module.exports = { cleanUp, updateStatistics };
