const base = require('airtable').base('appMain');

const clients = base('Clients');
const runs = base('Client Run Results');

async function startForClient(name, runId) {
  let [client] = await clients.select({ filterByFormula: `{Name}='${name}'` }).firstPage();
  if (!client) {
    client = await clients.create({ Name: name }); // expect: recovery@Clients
  }
  return runs.create({ 'Run ID': runId, Client: [client.id] }); // expect: creation
}

async function startForKnown(id, runId) {
  const client = await clients.find(id);
  if (!client) return null;
  return runs.create({ 'Run ID': runId, Client: [client.id] }); // expect: creation
}

module.exports = { startForClient, startForKnown };
