import { Client } from 'pg';
import mysql from 'mysql2/promise';

const db = new Client();

export async function begin(tenant: string, id: string) {
  await db.query({ text: `insert into "${tenant}"."client_runs" (id) values ($1)`, values: [id] }); // expect: creation
}

export async function beat(tenant: string, id: string) {
  const sql = `
    update ${tenant}.client_runs
       set beat_at = now()
     where id = $1`;
  await db.query(sql, [id]); // expect: update
}

export async function save(tenant: string, id: string, state: string) {
  const sql = [
    `INSERT INTO ${tenant}.client_runs (id, state) VALUES ($1, $2)`,
    'ON CONFLICT (id) DO UPDATE SET state = EXCLUDED.state',
  ].join('\n');
  await db.query(sql, [id, state]); // expect: upsert
}

export async function set(table: string, column: string, id: string, value: unknown) {
  await db.query(`UPDATE ${table} SET ${column} = $2 WHERE id = $1`, [id, value]); // expect: unresolved
}

export async function monthly(month: string, id: string) {
  const pool = mysql.createPool({ uri: 'mysql://' });
  await pool.execute(`INSERT INTO audit_${month} (run_id) VALUES (?)`, [id]); // expect: unresolved
  const [rows] = await pool.query(`SELECT * FROM ${month}.client_runs WHERE id = ?`, [id]);
  return rows;
}
