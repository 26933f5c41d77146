import Airtable from 'airtable';

const table = new Airtable({ apiKey: process.env.K }).base('app')('Client Run Results');

async function create(runId) {
  return table.create({ 'Run ID': runId }); // expect: creation
}

export async function recordError(id, runId, message) {
  try {
    await table.update(id, { Error: message }); // expect: update
  } catch (error) {
    if (error.statusCode === 404 || error.error === 'NOT_FOUND') {
      await create(runId); // expect: recovery
    } else {
      throw error;
    }
  }
}

export function recordNote(id, runId, note) {
  return table
    .find(id)
    .then((record) => table.update(record.id, { Note: note })) // expect: update
    .catch(() => table.create({ 'Run ID': runId, Note: note })); // expect: recovery
}
