const Airtable = require('airtable');
const base = new Airtable({ apiKey: 'k' }).base('b');

module.exports = {
  start(runId) {
    return base('Client Run Results')
      .create([{ fields: { 'Run ID': runId } }]) // expect: creation
      .then((records) => records[0].id);
  },

  finish(runId, stats) {
    return base('Client Run Results')
      .select({ filterByFormula: `{Run ID}='${runId}'` })
      .firstPage()
      .then(function (records) {
        if (!records.length) return Promise.reject(new Error('missing'));
        return base('Client Run Results').update(records[0].id, stats); // expect: update
      });
  },
};
