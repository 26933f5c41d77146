const runs = require('airtable').base('appMain')('Client Run Results');

async function updateReport(since) {
  const totals = {};
  await runs
    .select({ filterByFormula: `IS_AFTER({Start Time}, '${since}')`, fields: ['Client ID', 'Tokens'] })
    .eachPage((records, fetchNextPage) => {
      for (const record of records) {
        const client = record.get('Client ID');
        totals[client] = (totals[client] ?? 0) + (record.get('Tokens') || 0);
      }
      fetchNextPage();
    });
  return totals;
}

async function createSummary(since) {
  const totals = await updateReport(since);
  return Object.entries(totals).map(([client, tokens]) => `${client}: ${tokens}`).join('\n');
}

module.exports = { updateReport, createSummary };
