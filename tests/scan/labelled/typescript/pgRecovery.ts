// scan: runs = "runs"
import type { Pool } from 'pg';

enum Sql {
  Find = 'SELECT id FROM runs WHERE run_id = $1',
  Insert = 'INSERT INTO runs (run_id, status) VALUES ($1, $2)',
  Update = 'UPDATE runs SET status = $2 WHERE run_id = $1',
}

export async function setStatus(pool: Pool, runId: string, status: string): Promise<void> {
  const { rows } = await pool.query(Sql.Find, [runId]);
  if (rows.length === 0) {
    await pool.query(Sql.Insert, [runId, status]); // expect: recovery
  } else {
    await pool.query(Sql.Update, [runId, status]); // expect: update
  }
}

export async function setStatusFast(pool: Pool, runId: string, status: string): Promise<void> {
  const { rowCount } = await pool.query(Sql.Update, [runId, status]); // expect: update
  if (!rowCount) {
    await pool.query(Sql.Insert, [runId, status]); // expect: recovery
  }
}

export const start = (pool: Pool, runId: string) => pool.query(Sql.Insert, [runId, 'Running']); // expect: creation
