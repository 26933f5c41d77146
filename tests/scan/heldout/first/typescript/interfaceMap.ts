import { Pool } from 'pg';

interface Repository {
  insert(run: Run): Promise<void>;
  setStatus(id: string, status: Status): Promise<boolean>;
}
type Run = { id: string; client: string };
type Status = 'running' | 'done' | 'failed';

class PgRepository implements Repository {
  constructor(private pool: Pool, private schema: string) {}

  async insert(run: Run): Promise<void> {
    await this.pool.query(`INSERT INTO ${this.schema}.client_runs (id, client) VALUES ($1, $2)`, [run.id, run.client]); // expect: creation
  }

  async setStatus(id: string, status: Status): Promise<boolean> {
    const { rowCount } = await this.pool.query(`UPDATE ${this.schema}.client_runs SET status = $2 WHERE id = $1`, [id, status]); // expect: update
    return rowCount === 1;
  }
}

interface Deps {
  runs: Repository;
  clock: () => Date;
}

export async function complete({ runs, clock }: Deps, id: string): Promise<void> {
  const changed = await runs.setStatus(id, 'done'); // expect: updating-wrapper
  if (!changed) console.warn(`run ${id} is missing`, clock());
}

export async function completeOrMake(deps: Deps, run: Run): Promise<void> {
  const changed = await deps.runs.setStatus(run.id, 'done'); // expect: updating-wrapper
  if (!changed) {
    await deps.runs.insert(run); // expect: recovery
  }
}

export const build = (pool: Pool): Deps => ({ runs: new PgRepository(pool, 'tenant_a'), clock: () => new Date() });
