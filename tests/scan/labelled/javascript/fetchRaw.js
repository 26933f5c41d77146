const API = 'https://api.airtable.com/v0';
const TABLE = encodeURIComponent('Client Run Results');

const headers = { Authorization: `Bearer ${process.env.AIRTABLE_TOKEN}`, 'Content-Type': 'application/json' };

export async function createRun(baseId, fields) {
  const response = await fetch(`${API}/${baseId}/${TABLE}`, { // expect: creation
    method: 'POST',
    headers,
    body: JSON.stringify({ records: [{ fields }] }),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()).records[0];
}

export async function updateRun(baseId, id, fields) {
  return fetch(`${API}/${baseId}/${TABLE}/${id}`, { method: 'PATCH', headers, body: JSON.stringify({ fields }) }); // expect: update
}

export const readRun = (baseId, id) => fetch(`${API}/${baseId}/${TABLE}/${id}`, { headers });

export const removeRun = (baseId, id) => fetch(`${API}/${baseId}/${TABLE}/${id}`, { method: 'DELETE', headers });
