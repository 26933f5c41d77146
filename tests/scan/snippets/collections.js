const base = require('airtable').base('app');

const tables = { runs: base('Client Run Results'), clients: base('Clients') };
const byName = new Map([['runs', base('Client Run Results')], ['clients', base('Clients')]]);
const made = Object.fromEntries(['Client Run Results', 'Clients'].map((name) => [name, base(name)]));

exports.all = async (fields) => {
  for (const table of Object.values(tables)) {
    await table.create(fields); // expect: creation, creation@Clients
  }
  for (const [name, table] of Object.entries(tables)) {
    await table.create({ ...fields, name }); // expect: creation, creation@Clients
  }
  Object.values(tables).forEach((table) => table.create(fields)); // expect: creation, creation@Clients
  for (const table of ['Client Run Results', 'Clients'].map((name) => base(name))) {
    await table.create(fields); // expect: creation, creation@Clients
  }
};

const registered = {};
registered.runs = base('Client Run Results');
registered.clients = base('Clients');
exports.add = (name, fields) => registered[name].create(fields); // expect: creation, creation@Clients

exports.one = async (fields) => {
  await byName.get('runs').create(fields); // expect: creation
  await made['Client Run Results'].create(fields); // expect: creation
};
