import Airtable from 'airtable';

interface Draft {
  runId: string;
  status: string;
}

const runs = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');
const drafts: Draft[] = [];

/** Writes nothing. */
export function createRun(runId: string): Draft {
  const draft = { runId, status: 'Running' };
  drafts.push(draft);
  return draft;
}

/** Creates, and updates nothing. */
export async function updateRun(draft: Draft): Promise<string> {
  const record = await runs.create({ 'Run ID': draft.runId, Status: draft.status }); // expect: creation
  return record.id;
}

export async function saveDrafts(): Promise<void> {
  createRun('last');
  for (const draft of drafts.splice(0)) {
    await updateRun(draft); // expect: creating-wrapper
  }
}
