const Airtable = require('airtable');

const bases = new Map();

/** The base of an id; one object for each. */
function getBase(baseId = process.env.AIRTABLE_BASE_ID) {
  if (!bases.has(baseId)) {
    bases.set(baseId, new Airtable({ apiKey: process.env.AIRTABLE_API_KEY }).base(baseId));
  }
  return bases.get(baseId);
}

module.exports = { getBase };
