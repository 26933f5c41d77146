const Airtable = require('airtable');
const base = new Airtable({ apiKey: 'k' }).base('app');

const cache = {};

async function ensureRecord(runId) {
  if (cache[runId]) return cache[runId];
  const rows = await base('Client Run Results').select({ filterByFormula: `{Run ID}='${runId}'` }).all();
  if (rows[0]) {
    cache[runId] = rows[0].id;
    return cache[runId];
  }
  const made = await base('Client Run Results').create([{ fields: { 'Run ID': runId } }]); // expect: recovery
  cache[runId] = made[0].id;
  return cache[runId];
}

async function updatePosts(runId, posts) {
  const id = await ensureRecord(runId); // expect: creating-wrapper
  await base('Client Run Results').update(id, { Posts: posts }); // expect: update
}

async function updateTokens(runId, tokens) {
  const id = await ensureRecord(runId); // expect: creating-wrapper
  await base('Client Run Results').update(id, { Tokens: tokens }); // expect: update
}

module.exports = { updatePosts, updateTokens };
