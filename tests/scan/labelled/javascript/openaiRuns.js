import OpenAI from 'openai';

const openai = new OpenAI();

// Runs of an assistant, which are no runs of ours.
export async function createRun(threadId) {
  const run = await openai.beta.threads.runs.create(threadId, { assistant_id: 'asst_1' });
  return run.id;
}

export async function updateRun(threadId, runId, metadata) {
  await openai.beta.threads.runs.update(runId, { thread_id: threadId, metadata });
}

export async function getOrCreateThread(threads, key) {
  if (!threads.has(key)) {
    threads.set(key, (await openai.beta.threads.create()).id);
  }
  return threads.get(key);
}
