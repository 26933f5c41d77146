import got from 'got';

const url = 'https://api.airtable.com/v0/appGot/Client%20Run%20Results';

const METHODS = Object.freeze({ CREATE: 'POST', CHANGE: 'PATCH', READ: 'GET' });

export async function create(fields) {
  return got(url, { method: METHODS.CREATE, json: { fields } }).json(); // expect: creation
}

export async function change(id, fields) {
  return got(`${url}/${id}`, { method: METHODS.CHANGE, json: { fields } }).json(); // expect: update
}

export async function read(id) {
  return got(`${url}/${id}`, { method: METHODS.READ }).json();
}

export async function createShort(fields) {
  return got.post(url, { json: { fields, typecast: true } }).json(); // expect: creation
}
