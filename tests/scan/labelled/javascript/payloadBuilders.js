const URL_OF_RUNS = 'https://api.airtable.com/v0/app/Client%20Run%20Results';

export const createPayload = (runId) => ({ records: [{ fields: { 'Run ID': runId } }] });

export const upsertPayload = (rows) => ({
  performUpsert: { fieldsToMergeOn: ['Run ID'] },
  records: rows.map((fields) => ({ fields })),
});

export function asCurl(runId) {
  const body = JSON.stringify(createPayload(runId));
  return `curl -X POST '${URL_OF_RUNS}' -d '${body}'`;
}

export function asRequest(rows) {
  return { method: 'PATCH', url: URL_OF_RUNS, data: upsertPayload(rows) };
}
