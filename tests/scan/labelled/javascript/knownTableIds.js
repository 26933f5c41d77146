const axios = require('axios');
const base = require('airtable').base('appMain');

const RUNS_ID = 'tblRUNS0000000001';

// A table may be named by its id; this one is not the table of runs by name.
exports.byId = (fields) => base(RUNS_ID).create(fields); // expect: creation@tblRUNS0000000001

exports.byUrl = (id, fields) =>
  axios.patch(`https://api.airtable.com/v0/appMain/${RUNS_ID}/${id}`, { fields }); // expect: update@tblRUNS0000000001

exports.byName = (rows) => base('Client Run Results').update(rows, { performUpsert: { fieldsToMergeOn: ['Run ID'] } }); // expect: upsert
