import Airtable from 'airtable';

type Result<T> = { ok: true; value: T } | { ok: false; reason: 'missing' };

const runs = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');

async function look(runId: string): Promise<Result<string>> {
  const page = await runs.select({ filterByFormula: `{Run ID}='${runId}'` }).firstPage();
  return page.length ? { ok: true, value: page[0]!.id } : { ok: false, reason: 'missing' };
}

export async function addTokens(runId: string, tokens: number): Promise<void> {
  const found = await look(runId);
  if (!found.ok) {
    await runs.create({ 'Run ID': runId, Tokens: tokens }); // expect: recovery
    return;
  }
  await runs.update(found.value, { Tokens: tokens }); // expect: update
}

export async function strict(runId: string, tokens: number): Promise<void> {
  const found = await look(runId);
  if (!found.ok) throw new Error(found.reason);
  await runs.update(found.value, { Tokens: tokens }); // expect: update
}
