module.exports = class RunRepo {
  static async open() { const { default: Airtable } = await import('airtable'); return new RunRepo(new Airtable({}).base('app')); }
  constructor(base, { table = 'Client Run Results' } = {}) { Object.assign(this, { base, name: table }); this.table = base(table); }
  create(fields) { return this.table.create(fields); } // expect: creation
  async bulk(rows) {
    for (let i = 0; i < rows.length; i += 10) await this.table.create(rows.slice(i, i + 10)); // expect: creation
    while (rows.length) { await this.table.update(rows.splice(0, 10)); } // expect: update
  }
  save(fields) { return fields.id ? this.table.update(fields.id, fields) : this.create(fields); } // expect: update, creating-wrapper
};
