const axios = require('axios');
const fetch = require('node-fetch');
const BASE_ID = process.env.AIRTABLE_BASE_ID;
const API = `https://api.airtable.com/v0/${BASE_ID}`;
const client = axios.create({ baseURL: API, headers: {} });

async function airtableRequest(method, table, body) {
  const response = await fetch(`${API}/${encodeURIComponent(table)}`, { // expect: creation, update@Clients
    method,
    body: JSON.stringify(body),
  });
  return response.json();
}

async function writes(fields, id) {
  await fetch(`${API}/Client%20Run%20Results`, { method: 'POST', body: JSON.stringify({ fields }) }); // expect: creation
  await axios.post(`${API}/Client Run Results`, { fields }); // expect: creation
  await axios.patch(`${API}/Client%20Run%20Results/${id}`, { fields }); // expect: update
  await axios({ method: 'post', url: `${API}/Clients`, data: { fields } }); // expect: creation@Clients
  await client.post('/Client%20Run%20Results', { records: [{ fields }] }); // expect: creation
  await client.patch(`/Client%20Run%20Results`, { performUpsert: { fieldsToMergeOn: ['Run ID'] }, records: [] }); // expect: upsert
  await axios.put(`${API}/${process.env.TABLE}/${id}`, { fields }); // expect: unresolved
  await axios.post(`${API}/Client%20Run%20Results/listRecords`, {});
  await axios.post('https://hooks.example.com/runs', { fields });
  await airtableRequest('POST', 'Client Run Results', { fields }); // expect: creating-wrapper
  await airtableRequest('PATCH', 'Clients', { fields }); // expect: updating-wrapper@Clients
  await airtableRequest('GET', 'Clients');
}
module.exports = writes;
