const runs = require('airtable').base('app')('Client Run Results');

exports.touch = async (id) => {
  const rows = await runs.select({ filterByFormula: `{Run ID}='${id}'` }).firstPage();
  switch (rows.length) {
    case 0:
      await runs.create({ 'Run ID': id }); // expect: recovery
      break;
    default:
      await runs.update(rows[0].id, {}); // expect: update
  }
};

exports.mark = (id) =>
  runs.find(id).then(
    (row) => runs.update(row.id, {}), // expect: update
    () => runs.create({ 'Run ID': id }), // expect: recovery
  );

exports.go = (kind, id) => {
  switch (kind) {
    case 'start':
      return runs.create({ 'Run ID': id }); // expect: creation
    default:
      return runs.update(id, {}); // expect: update
  }
};

// The answer of a change, as JSON.
const patch = async (id) => {
  const answer = await fetch(`https://api.airtable.com/v0/app/Client%20Run%20Results/${id}`, { method: 'PATCH' }); // expect: update
  return answer.status === 404 ? null : answer.json();
};

exports.beat = async (id) => {
  if ((await patch(id)) === null) { // expect: updating-wrapper
    await runs.create({ 'Run ID': id }); // expect: recovery
  }
};
