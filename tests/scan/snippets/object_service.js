import Airtable from 'airtable';
const table = (name) => new Airtable().base(process.env.B)(name);
const RUNS = 'Client Run Results';
export const runService = {
  async createRun(fields) { return table(RUNS).create(fields); }, // expect: creation
  async findRun(id) { return (await table(RUNS).select({ filterByFormula: id }).firstPage())[0]; },
  async updateRun(id, fields) {
    const run = await this.findRun(id);
    if (!run) return this.createRun({ id, ...fields }); // expect: recovery
    return run.patchUpdate(fields); // expect: update
  },
  finish: (id) => runService.updateRun(id, { Status: 'Done' }), // expect: updating-wrapper
};
export default {
  start: async (id) => {
    const { createRun } = runService;
    await createRun({ id }); // expect: creating-wrapper
  },
};
