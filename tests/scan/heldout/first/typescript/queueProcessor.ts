import { Queue, Worker } from 'bullmq';
import Airtable from 'airtable';
import { z } from 'zod';

const Payload = z.object({ id: z.string(), tokens: z.number() });
const base = new Airtable({ apiKey: process.env.KEY }).base('appQ');
const TABLES = { runs: 'Client Run Results', clients: 'Clients' } as const;

const connection = { host: 'localhost', port: 6379 };
export const queue = new Queue('tokens', { connection });

export async function begin(runId: string) {
  const record = await base(TABLES.runs).create({ 'Run ID': runId }, { typecast: true }); // expect: creation
  await queue.add('tokens', { id: record.id, tokens: 0 });
}

async function addTokens(id: string, tokens: number): Promise<void> {
  const record = await base(TABLES.runs).find(id);
  const before = (record.get('Tokens') as number) ?? 0;
  await record.patchUpdate({ Tokens: before + tokens }); // expect: update
}

new Worker('tokens', async (job) => { // expect: no-start
  const { id, tokens } = Payload.parse(job.data);
  await addTokens(id, tokens); // expect: updating-wrapper
}, { connection });

new Worker('clients', async (job) => {
  await base(TABLES.clients).update(job.data.id, { Seen: true }); // expect: update@Clients
}, { connection });
