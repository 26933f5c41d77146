const Airtable = require('airtable');

function makeRunRepository({ base, tableName = 'Client Run Results', logger = console }) {
  const table = base(tableName);

  async function insert(fields) {
    const created = await table.create(fields, { typecast: true }); // expect: creation
    logger.info('created', created.id);
    return created;
  }

  async function patch(id, fields) {
    return table.update(id, fields); // expect: update
  }

  async function findByRunId(runId) {
    const found = await table.select({ filterByFormula: `{Run ID} = '${runId}'` }).firstPage();
    return found.length === 0 ? null : found[0];
  }

  return Object.freeze({ insert, patch, findByRunId });
}

function makeFinishRun({ runRepository }) {
  return async function finishRun(runId) {
    const run = await runRepository.findByRunId(runId);
    if (!run) {
      throw new Error(`run ${runId} was not started`);
    }
    return runRepository.patch(run.id, { Status: 'Completed' }); // expect: updating-wrapper
  };
}

function makeTouchRun({ runRepository }) {
  return async function touchRun(runId) {
    const run = (await runRepository.findByRunId(runId)) || (await runRepository.insert({ 'Run ID': runId })); // expect: recovery
    return runRepository.patch(run.id, { Beat: Date.now() }); // expect: updating-wrapper
  };
}

const runRepository = makeRunRepository({ base: new Airtable({ apiKey: 'k' }).base('app') });
module.exports = { finishRun: makeFinishRun({ runRepository }), touchRun: makeTouchRun({ runRepository }) };
