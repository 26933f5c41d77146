import Airtable from 'airtable';

const runs = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');

/**
 * @example
 * await runs.create({ 'Run ID': 'x' });
 * await runs.update('rec1', { Status: 'Completed' });
 */
export declare function startRun(runId: string): Promise<string>;

export const migration = `
  INSERT INTO client_run_results (run_id) VALUES ('x');
  await runs.create({});
`;

export async function count(): Promise<number> {
  // await runs.update('rec1', {});
  const all = await runs.select().all(); /* await runs.create({}) */
  return all.length;
}

export interface RunWriter {
  create(runId: string): Promise<void>;
  update(runId: string, fields: object): Promise<void>;
}
