import axios from 'axios';

const root = 'https://api.airtable.com/v0';

export function createIn(baseId, table, fields) {
  return axios.post(`${root}/${baseId}/${encodeURIComponent(table)}`, { fields }); // expect: unresolved
}

export function patchIn(baseId, table, id, fields) {
  return fetch(`${root}/${baseId}/${table}/${id}`, { method: 'PATCH', body: JSON.stringify({ fields }) }); // expect: unresolved
}

export function readFrom(baseId, table) {
  return axios.get(`${root}/${baseId}/${table}`);
}
