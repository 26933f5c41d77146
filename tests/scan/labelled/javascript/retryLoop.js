const runs = require('airtable').base('appMain')('Client Run Results');

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A creation in a catch is not always a recovery: here it is a second attempt of the same start.
async function startRun(runId) {
  const fields = { 'Run ID': runId };
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      return await runs.create(fields); // expect: creation
    } catch (error) {
      if (error.statusCode !== 429) throw error;
      await sleep(2 ** attempt * 1000);
    }
  }
  throw new Error('busy');
}

async function startWithName(runId, name) {
  try {
    return await runs.create({ 'Run ID': runId, Name: name }); // expect: creation
  } catch (error) {
    if (error.error !== 'UNKNOWN_FIELD_NAME') throw error;
    return runs.create({ 'Run ID': runId }); // expect: creation
  }
}

module.exports = { startRun, startWithName };
