const base = require('airtable').base('appMain');

const EXAMPLE = `
  await base('Client Run Results').create([{ fields: {} }]);
  await base('Client Run Results').update(id, {});
`;

/**
 * Was: base('Client Run Results').create({ 'Run ID': runId })
 */
async function startRun(runId) {
  // await base('Client Run Results').create({ 'Run ID': runId });
  /* const [record] = await base('Client Run Results').update([{ id, fields }]);
  return record; */
  throw new Error(`startRun(${runId}) was removed: ${EXAMPLE.length}`);
}

const pattern = /base\('Client Run Results'\)\.create\(/g;

module.exports = { startRun, pattern };
