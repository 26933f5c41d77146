// node batchLoopModule.mjs rec1 rec2 …
import Airtable from 'airtable';

const table = new Airtable({ apiKey: process.env.KEY }).base('app')('Client Run Results');

for (const id of process.argv.slice(2)) { // expect: no-start
  if (!id.startsWith('rec')) {
    console.warn(`skipped ${id}`);
    continue;
  }
  await table.update(id, { Status: 'Completed' }); // expect: update
}
