// scan: runs = "client_run_results"
const { Pool } = require('pg');
const pool = new Pool();

const RUNBOOK = `
1. INSERT INTO client_run_results (run_id) VALUES ('x');
2. UPDATE client_run_results SET status = 'Failed';
`;

function help() {
  console.log(RUNBOOK);
  console.warn('UPDATE client_run_results SET status = ... is forbidden');
}

async function audit(who) {
  // pool.query('INSERT INTO client_run_results (run_id) VALUES ($1)', [who]);
  await pool.query('INSERT INTO audit_log (who) VALUES ($1)', [who]); // expect: creation@audit_log
  await pool.query('SELECT pg_notify($1, $2)', ['client_run_results', 'UPDATE client_run_results']);
  await pool.query('SELECT id FROM client_run_results WHERE who = $1 FOR UPDATE', [who]);
  await pool.query('CREATE TABLE IF NOT EXISTS client_run_results (id serial)');
}

module.exports = { help, audit };
