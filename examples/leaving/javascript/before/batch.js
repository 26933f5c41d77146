// The nightly batch: node before/batch.js 251124
const { harvest } = require("./harvest");
const { createRun, updateRun } = require("./runs");
const { score } = require("./scoring");

async function night(day) {
  const date = `20${day.slice(0, 2)}-${day.slice(2, 4)}-${day.slice(4)}`;
  for (const clientId of ["acme", "bolt"]) {
    await createRun(`${day}-1`, clientId, { "Start Time": `${date}T02:00:00Z` });
    await score(day, clientId);
    await harvest(day, clientId);
    await updateRun(`${day}-1`, clientId, { Status: "Completed", "End Time": `${date}T02:30:00Z` });
  }
}

if (require.main === module) {
  night(process.argv[2]);
}
