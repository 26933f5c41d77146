const { google } = require('googleapis');

const sheets = google.sheets({ version: 'v4', auth: process.env.KEY });
const TABLE = 'Client Run Results';

async function createRun(runId) {
  return sheets.spreadsheets.values.append({
    spreadsheetId: process.env.SHEET,
    range: `${TABLE}!A1`,
    requestBody: { values: [[runId, 'Running']] },
  });
}

async function updateRun(row, status) {
  return sheets.spreadsheets.values.update({ spreadsheetId: process.env.SHEET, range: `${TABLE}!B${row}`, requestBody: { values: [[status]] } });
}

async function makeSheet(title) {
  return sheets.spreadsheets.create({ requestBody: { properties: { title } } });
}

module.exports = { createRun, updateRun, makeSheet };
