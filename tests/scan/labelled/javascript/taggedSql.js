// scan: runs = "runs"
import postgres from 'postgres';

const sql = postgres(process.env.DATABASE_URL);

export async function start(runId) {
  const [row] = await sql`INSERT INTO runs (run_id, status) VALUES (${runId}, 'Running') RETURNING id`; // expect: creation
  return row.id;
}

export async function finish(id) {
  await sql`update runs set status = 'Completed' where id = ${id}`; // expect: update
}

export const read = (id) => sql`SELECT * FROM runs WHERE id = ${id}`;

export const note = `INSERT INTO runs (run_id) VALUES ('example')`;
