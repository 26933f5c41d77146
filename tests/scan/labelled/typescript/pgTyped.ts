// scan: runs = "client_run_results"
import { Pool, type PoolClient, type QueryResult } from 'pg';

const TABLE = 'client_run_results';
const INSERT = `INSERT INTO ${TABLE} (run_id, client_id) VALUES ($1, $2) RETURNING id` as const;
const UPSERT = `INSERT INTO ${TABLE} (run_id, tokens) VALUES ($1, $2) ON CONFLICT (run_id) DO UPDATE SET tokens = $2`;

export class PgRuns {
  constructor(private readonly pool: Pool) {}

  async start(runId: string, clientId: string): Promise<number> {
    const result: QueryResult<{ id: number }> = await this.pool.query(INSERT, [runId, clientId]); // expect: creation
    return result.rows[0].id;
  }

  async tokens(runId: string, tokens: number): Promise<void> {
    await this.pool.query(UPSERT, [runId, tokens]); // expect: upsert
  }

  async close(client: PoolClient, id: number): Promise<void> {
    await client.query(`UPDATE ${TABLE} SET status = 'Completed' WHERE id = $1`, [id]); // expect: update
  }

  async read(id: number): Promise<unknown> {
    return (await this.pool.query(`SELECT * FROM ${TABLE} WHERE id = $1`, [id])).rows[0];
  }
}
