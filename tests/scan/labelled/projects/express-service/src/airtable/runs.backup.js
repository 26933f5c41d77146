// As it was before the start moved to one place.
const { getBase } = require('./client');

exports.updateRun = async (id, fields) => {
  if (!id) return getBase()('Client Run Results').create(fields);
  return getBase()('Client Run Results').update(id, fields);
};
