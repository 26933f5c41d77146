import postgres from 'postgres';
import { Pool, PoolClient } from 'pg';

const sql = postgres();
const pool = new Pool();

export async function transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } finally {
    client.release();
  }
}

export async function begin(id: string, client: string) {
  await sql`INSERT INTO client_runs (id, client) VALUES (${id}, ${client})`; // expect: creation
}

export async function end(id: string) {
  const rows = await sql`UPDATE client_runs SET status = 'done' WHERE id = ${id} RETURNING id`; // expect: update
  return rows.length > 0;
}

export const move = (from: string, to: string) =>
  transaction(async (client) => {
    await client.query('UPDATE client_runs SET client = $2 WHERE client = $1', [from, to]); // expect: update
    await client.query('INSERT INTO moves (source, target) VALUES ($1, $2)', [from, to]); // expect: creation@moves
  });

export async function endOrBegin(id: string) {
  if (!(await end(id))) { // expect: updating-wrapper
    await begin(id, 'unknown'); // expect: recovery
  }
}
