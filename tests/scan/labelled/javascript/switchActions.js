const runs = require('airtable').base('appMain')('Client Run Results');

async function create(event) {
  return runs.create(event.fields); // expect: creation
}

async function update(event) {
  return runs.update(event.id, event.fields); // expect: update
}

module.exports = async function handle(event) {
  switch (event.kind) {
    case 'start':
      return create(event); // expect: creating-wrapper
    case 'progress':
    case 'end':
      return update(event); // expect: updating-wrapper
    default:
      throw new TypeError(event.kind);
  }
};
