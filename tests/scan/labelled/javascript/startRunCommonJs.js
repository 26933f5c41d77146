const Airtable = require('airtable');

const base = new Airtable({ apiKey: process.env.AIRTABLE_API_KEY }).base(process.env.AIRTABLE_BASE_ID);

async function createRunRecord(runId, clientId, clientName) {
  const records = await base('Client Run Results').create([ // expect: creation
    {
      fields: {
        'Run ID': runId,
        'Client ID': clientId,
        'Client Name': clientName,
        'Start Time': new Date().toISOString(),
        Status: 'Running',
      },
    },
  ]);
  return records[0].getId();
}

module.exports = { createRunRecord };
