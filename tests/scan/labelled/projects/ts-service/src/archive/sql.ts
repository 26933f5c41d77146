import { Pool } from 'pg';

const pool = new Pool();
const ARCHIVE = 'INSERT INTO archived_runs (run_id, body) VALUES ($1, $2)';

export async function archive(runId: string, body: unknown): Promise<void> {
  await pool.query(ARCHIVE, [runId, JSON.stringify(body)]); // expect: creation@archived_runs
}

export const archivedCount = async (): Promise<number> =>
  (await pool.query('SELECT count(*) FROM archived_runs')).rows[0].count;
