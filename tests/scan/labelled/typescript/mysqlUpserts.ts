// scan: runs = "runs"
import { createPool, type Pool, type ResultSetHeader } from 'mysql2/promise';

const pool: Pool = createPool(process.env.MYSQL_URL ?? 'mysql://localhost/runs');

const statements = {
  save: `INSERT INTO runs (run_id, tokens) VALUES (?, ?)
         ON DUPLICATE KEY UPDATE tokens = VALUES(tokens)`,
  reset: 'REPLACE INTO runs (run_id) VALUES (?)',
  ignore: 'INSERT IGNORE INTO runs (run_id) VALUES (?)',
} as const satisfies Record<string, string>;

export async function save(runId: string, tokens: number): Promise<number> {
  const [header] = await pool.execute<ResultSetHeader>(statements.save, [runId, tokens]); // expect: upsert
  return header.affectedRows;
}

export async function reset(runId: string): Promise<void> {
  await pool.execute(statements.reset, [runId]); // expect: upsert
}

export async function startOnce(runId: string): Promise<void> {
  await pool.execute(statements.ignore, [runId]); // expect: creation
}
