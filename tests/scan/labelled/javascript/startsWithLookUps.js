// Look-ups before a start that do not make it a recovery.
const runs = require('airtable').base('appMain')('Client Run Results');

const latest = async (client) =>
  (await runs.select({ filterByFormula: `{Client ID}='${client}'`, sort: [{ field: 'No', direction: 'desc' }] }).firstPage())[0];

async function startNumbered(client) {
  const previous = await latest(client);
  const number = previous ? previous.get('No') + 1 : 1;
  return runs.create({ 'Client ID': client, No: number }); // expect: creation
}

async function register(client, number) {
  const existing = await latest(client);
  if (!existing) {
    return runs.create({ 'Client ID': client, No: number }); // expect: creation
  }
  throw new Error(`${client} is registered`);
}

async function startUnlessDry(client, dryRun) {
  if (!client) throw new TypeError('no client');
  if (dryRun) return null;
  return runs.create({ 'Client ID': client }); // expect: creation
}

module.exports = { startNumbered, register, startUnlessDry };
