const Airtable = require('airtable');

const base = new Airtable().base('appMain');
const TABLES = { CLIENTS: 'Clients', POSTS: 'LinkedIn Posts', RUNS: 'Client Run Results', LOG: 'Run Log' };

const savePost = (fields) => base(TABLES.POSTS).create({ fields }); // expect: creation@LinkedIn Posts
const logLine = (text) => base(TABLES.LOG).create([{ fields: { Text: text } }]); // expect: creation@Run Log

async function touchClient(id) {
  await base(TABLES.CLIENTS).update(id, { 'Last Run': new Date().toISOString() }); // expect: update@Clients
}

async function saveAll(posts, run) {
  for (const post of posts) {
    await savePost(post); // expect: creating-wrapper@LinkedIn Posts
  }
  await logLine(`saved ${posts.length}`); // expect: creating-wrapper@Run Log
  await base(TABLES.RUNS).update(run, { Posts: posts.length }); // expect: update
}

module.exports = { saveAll, touchClient };
