// scan: runs = "runs"
import type { Pool } from 'pg';

type Row = Record<string, unknown>;

export class SqlTable<T extends Row> {
  constructor(
    private readonly pool: Pool,
    private readonly name: string,
  ) {}

  async insert(row: T): Promise<void> {
    const columns = Object.keys(row);
    const values = columns.map((_, index) => `$${index + 1}`);
    await this.pool.query(`INSERT INTO ${this.name} (${columns}) VALUES (${values})`, Object.values(row)); // expect: unresolved
  }

  async close(id: number): Promise<void> {
    await this.pool.query(`UPDATE ${this.name} SET closed = true WHERE id = $1`, [id]); // expect: unresolved
  }

  async all(): Promise<T[]> {
    return (await this.pool.query<T>(`SELECT * FROM ${this.name}`)).rows;
  }
}
