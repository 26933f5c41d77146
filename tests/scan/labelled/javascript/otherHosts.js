// Nothing of this writes to Airtable.
const axios = require('axios');

const SLACK = 'https://hooks.slack.com/services/T/B/X';

async function updateRun(runId, status) {
  await axios.post(SLACK, { text: `Client Run Results: ${runId} is ${status}` });
}

async function createRun(runId) {
  return fetch('https://jobs.example.com/v0/appMain/Client%20Run%20Results', {
    method: 'POST',
    body: JSON.stringify({ runId }),
  });
}

async function makeTable(baseId) {
  return axios.post(`https://api.airtable.com/v0/meta/bases/${baseId}/tables`, {
    name: 'Client Run Results',
    fields: [{ name: 'Run ID', type: 'singleLineText' }],
  });
}

async function patchField(baseId, tableId, fieldId) {
  return axios.patch(`https://api.airtable.com/v0/meta/bases/${baseId}/tables/${tableId}/fields/${fieldId}`, { name: 'x' });
}

module.exports = { updateRun, createRun, makeTable, patchField };
