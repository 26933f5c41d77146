const { CronJob } = require('cron');
const schedule = require('node-schedule');
const runs = require('airtable').base('appMain')('Client Run Results');

async function close(id) {
  return runs.update(id, { Status: 'Timed out' }); // expect: update
}

async function sweep() {
  for (const { id } of await runs.select({ view: 'Stale' }).all()) {
    await close(id); // expect: updating-wrapper
  }
}

async function nightly() {
  const { id } = await runs.create({ 'Run ID': `night-${Date.now()}` }); // expect: creation
  await close(id); // expect: updating-wrapper
}

const job = new CronJob('0 */5 * * * *', sweep); // expect: no-start
job.start();

schedule.scheduleJob('0 2 * * *', nightly);
schedule.scheduleJob('30 * * * *', async () => { // expect: no-start
  await close(process.env.RUN); // expect: updating-wrapper
});
