const host = new URL('https://api.airtable.com');

function optionsFor(method, body) {
  const options = { method, headers: { 'Content-Type': 'application/json' } };
  options.headers.Authorization = `Bearer ${process.env.TOKEN}`;
  if (body) options.body = JSON.stringify(body);
  return options;
}

export async function start(fields) {
  const options = { method: 'POST' };
  options.body = JSON.stringify({ fields });
  return fetch('https://api.airtable.com/v0/app/Client%20Run%20Results', options); // expect: creation
}

export async function finish(id) {
  const url = new URL(`/v0/app/Client%20Run%20Results/${id}`, host);
  return fetch(url, optionsFor('PATCH', { fields: { Status: 'Completed' } })); // expect: update
}

export async function read(id) {
  return fetch(`https://api.airtable.com/v0/app/Client%20Run%20Results/${id}`, optionsFor('GET'));
}
