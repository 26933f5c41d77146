'use strict';
const Airtable = require('airtable');
Airtable.configure({ apiKey: 'x' });
const base = Airtable.base('app');
const config = { tables: { runs: 'Client Run Results' } };
const tables = {
  runs: () => base(config.tables.runs),
  get clients() { return base('Clients'); },
};
function getTable(name) { return base(name); }
const runTable = getTable(config.tables.runs);
exports.createRun = async function (fields) {
  const created = await runTable.create(fields); // expect: creation
  return created;
};
exports.touch = (id) => tables.runs().update(id, {}); // expect: update
module.exports.addClient = async (f) => { await tables.clients.create(f); }; // expect: creation@Clients
function RunStore(table) { this.table = table; }
RunStore.prototype.save = function (fields) { return this.table.create(fields); }; // expect: creation
const store = new RunStore(runTable);
async function main() {
  await store.save({}); // expect: creating-wrapper
  await exports.createRun({}); // expect: creating-wrapper
  const ids = ['a', 'b'];
  await Promise.all(ids.map((id) => exports.createRun({ id }))); // expect: creating-wrapper
  await Promise.all(ids.map(exports.createRun)); // expect: creating-wrapper
  for (const t of [runTable]) { await t.update('x', {}); } // expect: update
}
function makeRepo(table) {
  return {
    async start(f) { return table.create(f); }, // expect: creation, creation@Clients
    update(id, f) { return table.update(id, f); }, // expect: update
    async both(f) { await this.start(f); }, // expect: creating-wrapper, creating-wrapper@Clients
  };
}
const repo = makeRepo(runTable);
const crepo = makeRepo(base('Clients'));
async function useRepo() {
  await repo.start({}); // expect: creating-wrapper
  await crepo.start({}); // expect: creating-wrapper@Clients
  await repo.update('x', {}); // expect: updating-wrapper
}
const withRetry = async (fn, n = 3) => { for (let i = 0; i < n; i++) { try { return await fn(); } catch (e) { if (i === n - 1) throw e; } } };
async function retried(f) {
  return withRetry(() => runTable.create(f)); // expect: creation
}
async function retried2(f) {
  return withRetry(() => exports.createRun(f)); // expect: creating-wrapper
}
async function sw(action, id, f) {
  switch (action) {
    case 'create': return runTable.create(f); // expect: creation
    case 'update': return runTable.update(id, f); // expect: update
    default: throw new Error('x');
  }
}
async function early(id, f) {
  const recs = await runTable.select({ maxRecords: 1 }).firstPage();
  if (recs && recs.length > 0) {
    return runTable.update(recs[0].id, f); // expect: update
  }
  return runTable.create(f); // expect: recovery
}
async function exists(id) { const r = await runTable.select({}).firstPage(); return r.length > 0; }
async function ensure(id) {
  if (!(await exists(id))) {
    await runTable.create({ id }); // expect: recovery
  }
}
async function startIfNew(id) {
  if (await exists(id)) return null;
  return runTable.create({ id }); // expect: creation
}
async function legacy(id) {
  let rec;
  try { rec = await runTable.find(id); } catch (e) { rec = null; }
  if (rec == null) {
    rec = await runTable.create({ id }); // expect: recovery
  }
  return rec;
}
async function hist(id, f) {
  runTable.find(id, (err, record) => {
    if (err) { runTable.create(f, () => {}); return; } // expect: recovery
    record.patchUpdate(f); // expect: update
  });
}
if (require.main === module) main().catch(console.error); // expect: updating-wrapper
