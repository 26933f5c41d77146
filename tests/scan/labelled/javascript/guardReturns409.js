const base = require('airtable').base('appMain');

async function exists(runId) {
  const found = await base('Client Run Results').select({ filterByFormula: `{Run ID}='${runId}'` }).firstPage();
  return found.length > 0;
}

exports.handler = async ({ runId }, reply) => {
  if (await exists(runId)) {
    return reply.code(409).send({ error: `${runId} exists` });
  }
  const record = await base('Client Run Results').create({ 'Run ID': runId }); // expect: creation
  return reply.code(201).send(record);
};

exports.startOnce = async (runId) => {
  if (await exists(runId)) throw new Error(`${runId} exists`);
  return base('Client Run Results').create({ 'Run ID': runId }); // expect: creation
};
