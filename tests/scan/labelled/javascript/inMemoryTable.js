/** A table for demos: the words of Airtable, and an array. */
class DemoTable {
  constructor(name) {
    this.name = name;
    this.rows = [];
  }

  async create(fields) {
    const record = { id: `rec${this.rows.length}`, fields };
    this.rows.push(record);
    return record;
  }

  async update(id, fields) {
    const row = this.rows.find((each) => each.id === id);
    if (!row) return this.create(fields);
    Object.assign(row.fields, fields);
    return row;
  }
}

const base = (name) => new DemoTable(name);

module.exports = async function demo() {
  const runs = base('Client Run Results');
  const { id } = await runs.create({ 'Run ID': 'r1' });
  return runs.update(id, { Status: 'Completed' });
};
