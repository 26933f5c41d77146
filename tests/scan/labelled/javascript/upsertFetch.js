const url = `https://api.airtable.com/v0/${process.env.BASE}/Client%20Run%20Results`;

async function send(method, body) {
  const response = await fetch(url, { method, body: JSON.stringify(body) });
  return response.json();
}

async function updateAll(records) {
  const body = { performUpsert: { fieldsToMergeOn: ['Run ID'] }, records };
  const response = await fetch(url, { method: 'PATCH', body: JSON.stringify(body) }); // expect: upsert
  return response.json();
}

async function putAll(records) {
  return fetch(url, { // expect: upsert
    method: 'PUT',
    body: JSON.stringify({ records, performUpsert: { fieldsToMergeOn: ['Run ID'] } }),
  });
}

async function patchAll(records) {
  const payload = JSON.stringify({ records });
  return fetch(url, { method: 'PATCH', body: payload }); // expect: update
}

const list = () => send('GET');

module.exports = { updateAll, putAll, patchAll, list };
