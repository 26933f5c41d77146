const ROOT = 'https://api.airtable.com/v0';




export async function create(base: string, fields: object) {
  return fetch(`${ROOT}/${base}/${encodeURIComponent('Client Run Results')}`, { // expect: creation
    method: 'POST',
    body: JSON.stringify({ fields }),
  });
}

export async function patch(base: string, id: string, fields: object) {
  return fetch(`${ROOT}/${base}/Client%20Run%20Results/${id}`, { method: 'PATCH', body: JSON.stringify({ fields }) }); // expect: update
}

export async function sync(base: string, records: object[]) {
  return fetch(`${ROOT}/${base}/Client%20Run%20Results`, { // expect: upsert
    method: 'PATCH',
    body: JSON.stringify({ records, performUpsert: { fieldsToMergeOn: ['Run ID'] } }),
  });
}
