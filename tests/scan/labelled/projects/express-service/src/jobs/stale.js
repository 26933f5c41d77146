const cron = require('node-cron');
const { getBase, patchRun } = require('../airtable');
const { TABLES, STATUS } = require('../constants/tables');

async function closeStale() {
  const stale = await getBase()(TABLES.RUNS).select({ filterByFormula: `{Status}='${STATUS.RUNNING}'` }).all();
  await Promise.all(stale.map((record) => patchRun(record.id, { Status: STATUS.FAILED }))); // expect: updating-wrapper
}

cron.schedule('*/30 * * * *', closeStale); // expect: no-start
