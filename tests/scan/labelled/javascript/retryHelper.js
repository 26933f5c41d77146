import Airtable from 'airtable';
import pRetry from 'p-retry';

const table = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');

async function withRetry(work, attempts = 3) {
  for (let n = 1; ; n += 1) {
    try {
      return await work();
    } catch (error) {
      if (n >= attempts) throw error;
    }
  }
}

export const startRun = (runId) => withRetry(() => table.create({ 'Run ID': runId })); // expect: creation

export const endRun = (id) => pRetry(() => table.update(id, { Status: 'Completed' }), { retries: 2 }); // expect: update

export async function whole(runId) {
  const { id } = await startRun(runId); // expect: creating-wrapper
  await endRun(id); // expect: updating-wrapper
}
