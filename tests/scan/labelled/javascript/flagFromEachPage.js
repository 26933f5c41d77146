const runs = require('airtable').base('appMain')('Client Run Results');

async function writeResult(runId, result) {
  let id = null;
  await runs.select({ fields: ['Run ID'] }).eachPage((records, next) => {
    records.forEach((record) => {
      if (record.get('Run ID') === runId) id = record.id;
    });
    next();
  });

  if (id === null) {
    console.log('no row, making one');
    await runs.create([{ fields: { 'Run ID': runId, Result: result } }]); // expect: recovery
  } else {
    await runs.update([{ id, fields: { Result: result } }]); // expect: update
  }
}

module.exports = writeResult;
