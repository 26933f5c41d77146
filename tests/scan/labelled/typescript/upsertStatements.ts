// scan: runs = "client_run_results"
import type { Client } from 'pg';

const COLUMNS = ['run_id', 'client_id', 'tokens'] as const;

const MERGE = `
  MERGE INTO client_run_results AS target
  USING (VALUES ($1, $2)) AS source (run_id, tokens) ON target.run_id = source.run_id
  WHEN MATCHED THEN UPDATE SET tokens = source.tokens
  WHEN NOT MATCHED THEN INSERT (run_id, tokens) VALUES (source.run_id, source.tokens)
`;

function upsertSql(table: string): string {
  return `INSERT INTO ${table} (${COLUMNS.join(', ')}) VALUES ($1, $2, $3)
          ON CONFLICT (run_id, client_id) DO UPDATE SET tokens = EXCLUDED.tokens`;
}

export async function merge(db: Client, runId: string, tokens: number): Promise<void> {
  await db.query(MERGE, [runId, tokens]); // expect: upsert
}

export async function upsert(db: Client, ...values: [string, string, number]): Promise<void> {
  await db.query(upsertSql('client_run_results'), values); // expect: upsert
}

export async function add(db: Client, values: unknown[]): Promise<void> {
  await db.query({ text: 'INSERT INTO client_run_results (run_id) VALUES ($1) ON CONFLICT DO NOTHING', values }); // expect: creation
}
