const cron = require('node-cron');
const { createHash } = require('crypto');
const runs = require('airtable').base('appMain')('Client Run Results');

let cache = {};

async function updateCache() {
  const fresh = {};
  for (const record of await runs.select({ fields: ['Run ID', 'Status'] }).all()) {
    const hash = createHash('sha1');
    hash.update(JSON.stringify(record.fields));
    fresh[record.id] = hash.digest('hex');
  }
  cache = fresh;
}

function createSnapshot() {
  return Object.freeze({ ...cache });
}

cron.schedule('* * * * *', updateCache);

module.exports = { createSnapshot };
