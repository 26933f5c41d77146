const base = require('airtable').base('appMain');

const insert = (fields) => base('Client Run Results').create(fields); // expect: creation

function startRun(runId) {
  return insert({ 'Run ID': runId, Status: 'Running' }); // expect: creating-wrapper
}

function startAll(runIds) {
  return Promise.all(runIds.map((runId) => startRun(runId)));
}

const patch = (id, fields) => base('Client Run Results').update(id, fields); // expect: update

const wrapped = {
  complete: (id) => patch(id, { Status: 'Completed' }), // expect: updating-wrapper
  fail(id, error) {
    return patch(id, { Status: 'Failed', Error: error.message }); // expect: updating-wrapper
  },
};

module.exports = { startAll, ...wrapped };
