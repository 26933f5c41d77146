// scan: runs = "client_runs"
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });

export async function withTransaction(work) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

export async function startRun(runId, clientId) {
  const { rows } = await pool.query( // expect: creation
    'INSERT INTO client_runs (run_id, client_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id',
    [runId, clientId],
  );
  if (rows.length === 0) throw new Error('already started');
  return rows[0].id;
}

export async function addTokens(runId, clientId, tokens) {
  const result = await pool.query('UPDATE client_runs SET tokens = tokens + $3 WHERE run_id = $1 AND client_id = $2', [runId, clientId, tokens]); // expect: update
  if (!result.rowCount) {
    await startRun(runId, clientId); // expect: recovery
  }
}

export const finish = (runId, status) =>
  withTransaction(async (client) => {
    const { rowCount } = await client.query({ text: 'update client_runs set status = $2 where run_id = $1', values: [runId, status] }); // expect: update
    if (rowCount === 0) throw new Error(`no run ${runId}`);
    await client.query('insert into run_events (run_id, status) values ($1, $2)', [runId, status]); // expect: creation@run_events
  });

const SAVE = `INSERT INTO client_runs (run_id, status) VALUES ($1, $2)
  ON CONFLICT (run_id) DO UPDATE SET status = EXCLUDED.status`;

export async function saveAll(runs) {
  for (const run of runs) {
    await pool.query(SAVE, [run.id, run.status]); // expect: upsert
  }
}
