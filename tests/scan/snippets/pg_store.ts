import { Pool, PoolClient } from 'pg';
import type { Request, Response } from 'express';
type Run = { id: string; status: string };
export interface RunStore { start(run: Run): Promise<void>; finish(id: string): Promise<void> }
export class PgRunStore implements RunStore {
  private static INSERT = `INSERT INTO public.job_runs (id, status) VALUES ($1, $2)`;
  constructor(private pool: Pool) {}
  async start(run: Run) {
    await this.pool.query(PgRunStore.INSERT, [run.id, run.status]); // expect: creation
  }
  async finish(id: string) {
    await this.tx(async (client) => {
      await client.query('UPDATE "public"."job_runs" SET status = $2 WHERE id = $1', [id, 'done']); // expect: update
    });
  }
  private async tx<T>(fn: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      const out = await fn(client);
      await client.query('COMMIT');
      return out;
    } finally { client.release(); }
  }
  async touch(id: string) {
    const { rows } = await this.pool.query<Run>('SELECT * FROM job_runs WHERE id = $1', [id]);
    if (rows.length === 0) {
      await this.start({ id, status: 'running' }); // expect: recovery
    }
  }
  async ensure(id: string) {
    const res = await this.pool.query('select 1 from job_runs where id = $1', [id]);
    if (!res.rowCount) await this.pool.query(PgRunStore.INSERT, [id, 'x']); // expect: recovery
  }
}
const store: RunStore = new PgRunStore(new Pool());
export const finishRun = async (req: Request, res: Response): Promise<void> => {
  await store.finish(req.params.id); // expect: updating-wrapper
};
export async function handler(event: { id: string }): Promise<void> { // expect: no-start
  await store.finish(event.id); // expect: updating-wrapper
}
