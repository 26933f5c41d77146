// Scores the posts of a client.
const { createRun, recordIds, table } = require("./runs");

const POSTS = { acme: 43, bolt: 17 }; // stands for the work

async function score(day, clientId) {
  const runId = `run-${day}-1`;
  const cells = { "Posts Scored": POSTS[clientId] };
  try {
    await table.update(recordIds[runId], cells);
  } catch (error) {
    if (error.statusCode !== 404) throw error;
    await createRun(runId, clientId, cells);
  }
}

module.exports = { score };
