// scan: runs = "client_run_results"
const { Pool } = require('pg');

const pool = new Pool();

const INSERT = `
  INSERT INTO client_run_results (run_id, client_id, status)
  VALUES ($1, $2, 'Running')
  RETURNING id
`;

exports.start = async (runId, clientId) => {
  const { rows } = await pool.query(INSERT, [runId, clientId]); // expect: creation
  return rows[0].id;
};

exports.finish = (id, status) =>
  pool.query('UPDATE client_run_results SET status = $2, ended_at = now() WHERE id = $1', [id, status]); // expect: update

exports.save = (runId, tokens) =>
  pool.query({ // expect: upsert
    text: `INSERT INTO client_run_results (run_id, tokens) VALUES ($1, $2)
           ON CONFLICT (run_id) DO UPDATE SET tokens = EXCLUDED.tokens`,
    values: [runId, tokens],
  });

exports.load = (id) => pool.query('SELECT * FROM client_run_results WHERE id = $1', [id]);
