// Runs, by the command line of runledger. No other module runs it, and startRun is the one place that starts runs.
const { execFileSync } = require("node:child_process");

const NOT_FOUND = 3; // the status of the error if the run was not started

function runledger(...words) {
  return execFileSync("runledger", words, { encoding: "utf8" });
}

// Call this where a run begins. Throws if the run exists already.
function startRun(runId, clientId) {
  runledger("start", runId, clientId);
}

function updateRun(runId, clientId, numbers) {
  const values = Object.entries(numbers).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  runledger("update", runId, clientId, ...values);
}

function completeRun(runId, clientId) {
  runledger("complete", runId, clientId);
}

function showRun(runId, clientId) {
  return JSON.parse(runledger("show", runId, clientId, "--json"));
}

module.exports = { NOT_FOUND, startRun, updateRun, completeRun, showRun };
