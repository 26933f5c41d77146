const fs = require('fs');
const Airtable = require('airtable');

const base = new Airtable({ apiKey: process.env.KEY }).base('appScript');

async function patch(id, fields) {
  return base('Client Run Results').update(id, fields); // expect: update
}

(async () => { // expect: no-start
  const lines = fs.readFileSync(process.argv[2], 'utf8').split('\n');
  for (const line of lines) {
    const [id, status] = line.split(',');
    await patch(id, { Status: status }); // expect: updating-wrapper
  }
})();
