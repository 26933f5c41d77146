// scan: runs = "runs"
import { Pool, type PoolClient } from 'pg';

const pool = new Pool();

async function transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
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

export const move = (from: string, to: string) =>
  transaction(async (client) => {
    await client.query('UPDATE runs SET moved_to = $2 WHERE run_id = $1', [from, to]); // expect: update
    await client.query('INSERT INTO runs (run_id) VALUES ($1)', [to]); // expect: creation
  });

export const read = (id: string) => transaction((client) => client.query('SELECT * FROM runs WHERE run_id = $1', [id]));
