const base = require('airtable').base('appMain');

const CHUNK = 10;
const create = base('Client Run Results').create.bind(base('Client Run Results'));

async function startAll(runId, clients) {
  if (!clients.length) return [];
  const made = [];
  for (let i = 0; i < clients.length; i += CHUNK) {
    const part = clients.slice(i, i + CHUNK).map((client) => ({ fields: { 'Run ID': runId, 'Client ID': client } }));
    made.push(...(await base('Client Run Results').create(part))); // expect: creation
  }
  return made;
}

async function startOne(runId) {
  return create({ 'Run ID': runId }); // expect: creation
}

async function closeAll(ids) {
  const changes = ids.map((id) => ({ id, fields: { Status: 'Completed' } }));
  while (changes.length) await base('Client Run Results').update(changes.splice(0, CHUNK)); // expect: update
}

module.exports = { startAll, startOne, closeAll };
