import cron from 'node-cron';
import axios from 'axios';

const URL = 'https://api.airtable.com/v0/appCron/Client%20Run%20Results';
const auth = { headers: { Authorization: `Bearer ${process.env.TOKEN}` } };

async function sweep() {
  const { data } = await axios.get(URL, auth);
  const records = data.records.map(({ id }) => ({ id, fields: { Status: 'Timed out' } }));
  await axios.patch(URL, { records }, auth); // expect: update
}

async function nightly() {
  const { data } = await axios.post(URL, { fields: { 'Run ID': 'nightly' } }, auth); // expect: creation
  await axios.patch(`${URL}/${data.id}`, { fields: { Status: 'Completed' } }, auth); // expect: update
}

cron.schedule('0 * * * *', sweep); // expect: no-start
cron.schedule('0 3 * * *', nightly, { timezone: 'Australia/Brisbane' });
