// An update that gives nothing, or sets a flag, where there is no record; and others that are caught.
const runs = require('airtable').base('app')('Runs');

async function nothing(id) {
  const row = await runs.update(id, {}).catch(() => null); // expect: update
  if (row === null) await runs.create({}); // expect: recovery
}

async function logged(id) {
  const row = await runs.update(id, {}).catch((error) => { // expect: update
    console.error(error);
  });
  return row ?? runs.create({}); // expect: recovery
}

async function flagged(id) {
  let missing = false;
  try {
    await runs.update(id, {}); // expect: update
  } catch {
    missing = true;
  }
  if (missing) await runs.create({}); // expect: recovery
}

async function other(id) {
  let failed = false;
  try {
    JSON.parse(id);
  } catch {
    failed = true;
  }
  if (failed) return;
  await runs.create({}); // expect: creation
}

module.exports = { nothing, logged, flagged, other };
