const axios = require('axios');

const airtable = axios.create({
  baseURL: 'https://api.airtable.com/v0/appMain',
  headers: { Authorization: `Bearer ${process.env.TOKEN}` },
});

const RUNS = '/Client%20Run%20Results';

exports.open = async (runId) => {
  const { data } = await airtable.post(RUNS, { fields: { 'Run ID': runId } }); // expect: creation
  return data.id;
};

exports.step = (id, step) => airtable.patch(`${RUNS}/${id}`, { fields: { Step: step } }); // expect: update

exports.reset = (id) => airtable.put(`${RUNS}/${id}`, { fields: { Step: '' } }); // expect: update

exports.merge = (records) =>
  airtable.patch(RUNS, { performUpsert: { fieldsToMergeOn: ['Run ID'] }, records }); // expect: upsert

exports.search = (formula) => airtable.post(`${RUNS}/listRecords`, { filterByFormula: formula });
