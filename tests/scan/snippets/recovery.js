const { base } = require('./airtable');
const table = base('Client Run Results');
const { findRun } = require('../elsewhere');
const cache = new Map();

async function createRun(fields) {
  return table.create([{ fields }]); // expect: creation
}
async function viaCatch(id, fields) {
  try {
    return await table.update(id, fields); // expect: update
  } catch (err) {
    if (err.statusCode === 404) {
      return createRun(fields); // expect: recovery
    }
    throw err;
  }
}
async function viaTernary(id, fields) {
  const existing = await findRun(id);
  return existing ? table.update(existing.id, fields) : table.create(fields); // expect: update, recovery
}
async function viaOr(id) {
  const records = await table.select({ maxRecords: 1 }).all();
  const run = records[0] || (await createRun({ id })); // expect: recovery
  return run;
}
async function viaNullish(id) {
  let run = cache.get(id) ?? null;
  run ??= await table.create({ id }); // expect: recovery
  return run;
}
async function viaOption(id, fields, { createIfMissing = false } = {}) {
  const run = await findRun(id);
  if (!run && createIfMissing) {
    return table.create(fields); // expect: recovery
  }
  if (!run) throw new Error('not found');
  return table.update(run.id, fields); // expect: update
}
async function saveRun(recordId, fields) {
  if (recordId) {
    await table.update(recordId, fields); // expect: update
  } else {
    await table.create(fields); // expect: creation
  }
}
function updateRunName(fields) {
  return table.create(fields); // expect: creation
}
async function createReport(id) {
  const run = await findRun(id);
  return { id, run };
}
async function guard(id, res) {
  const run = await findRun(id);
  if (run) {
    return res.status(409).json({ error: 'run exists' });
  }
  const made = await createRun({ id }); // expect: creating-wrapper
  return res.json(made);
}
async function cached(id) {
  if (!cache.has(id)) {
    cache.set(id, await createRun({ id })); // expect: recovery
  }
  return cache.get(id);
}
async function otherTable(id) {
  const [client] = await base('Clients').select({}).firstPage();
  if (!client) {
    await createRun({ id }); // expect: creating-wrapper
  }
}
async function promise(id, fields) {
  return table.update(id, fields).catch(() => createRun(fields)); // expect: update, recovery
}
module.exports = { viaCatch, viaTernary, viaOr, viaNullish, viaOption, saveRun, updateRunName, createReport, guard, cached, otherTable, promise };
