const ROOT = 'https://api.airtable.com/v0';

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

async function call<T>(method: Method, path: string, body?: unknown): Promise<T | null> {
  const answer = await fetch(`${ROOT}/${path}`, { // expect: creation, update
    method,
    headers: { 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as T;
}

const table = `${process.env.BASE}/Client%20Run%20Results`;

export const startRun = (runId: string) => call('POST', table, { fields: { 'Run ID': runId } }); // expect: creating-wrapper

export const patchRun = (id: string, fields: object) => call<{ id: string }>('PATCH', `${table}/${id}`, { fields }); // expect: updating-wrapper

export async function report(runId: string, id: string, fields: object): Promise<string | undefined> {
  const patched = await patchRun(id, fields);
  if (patched === null) {
    const made = await call<{ id: string }>('POST', table, { fields: { 'Run ID': runId, ...fields } }); // expect: recovery
    return made?.id;
  }
  return patched.id;
}

export const removeRun = (id: string) => call('DELETE', `${table}/${id}`);
