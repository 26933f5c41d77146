// The nightly batch: node after/batch.js 251127
const { harvest } = require("./harvest");
const { completeRun, startRun } = require("./runs");
const { score } = require("./scoring");

function night(day) {
  const runId = `${day}-1`;
  for (const clientId of ["acme", "bolt"]) {
    startRun(runId, clientId);
    score(runId, clientId);
    harvest(runId, clientId);
    completeRun(runId, clientId);
  }
}

if (require.main === module) {
  night(process.argv[2]);
}
