#!/usr/bin/env node
const base = require('airtable').base('appMain');

async function setStatus(id, status) {
  await base('Client Run Results').update(id, { Status: status }); // expect: update
}

async function main() { // expect: no-start
  const [, , id, status = 'Completed'] = process.argv;
  if (!id) {
    console.error('usage: cliMain.js ID [STATUS]');
    process.exit(2);
  }
  await setStatus(id, status); // expect: updating-wrapper
}

if (require.main === module) {
  main().catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

module.exports = { setStatus };
