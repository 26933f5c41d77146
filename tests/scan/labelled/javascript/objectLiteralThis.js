import Airtable from 'airtable';

const runRecord = {
  base: new Airtable({ apiKey: 'k' }).base('app'),

  async create(runId) {
    return this.base('Client Run Results').create({ 'Run ID': runId }); // expect: creation
  },

  async get(runId) {
    const page = await this.base('Client Run Results').select({ filterByFormula: `{Run ID}='${runId}'` }).firstPage();
    return page.length > 0 ? page[0] : undefined;
  },

  async set(runId, fields) {
    const record = await this.get(runId);
    const exists = !!record;
    if (exists) {
      await this.base('Client Run Results').update(record.id, fields); // expect: update
    } else {
      await this.create(runId); // expect: recovery
    }
  },
};

export default runRecord;
