// scan: runs = "runs"
import Database, { type Statement } from 'better-sqlite3';

export class SqliteRuns {
  private readonly insert: Statement<[string]>;
  private readonly upsert: Statement<[string, number]>;
  private readonly finish: Statement<[string, string]>;

  constructor(file: string) {
    const db = new Database(file);
    db.exec('CREATE TABLE IF NOT EXISTS runs (run_id TEXT PRIMARY KEY, tokens INTEGER, status TEXT)');
    this.insert = db.prepare('INSERT INTO runs (run_id) VALUES (?)');
    this.upsert = db.prepare(
      'INSERT INTO runs (run_id, tokens) VALUES (?, ?) ON CONFLICT (run_id) DO UPDATE SET tokens = excluded.tokens',
    );
    this.finish = db.prepare('UPDATE runs SET status = ? WHERE run_id = ?');
  }

  start(runId: string): void {
    this.insert.run(runId); // expect: creation
  }

  count(runId: string, tokens: number): void {
    this.upsert.run(runId, tokens); // expect: upsert
  }

  close(runId: string): void {
    if (this.finish.run('Completed', runId).changes === 0) throw new Error(runId); // expect: update
  }
}
