// What Airtable's official client does, against the server at a URL: node scenarios.cjs NAME URL TOKEN BASE
const assert = require("node:assert/strict");
const Airtable = require("airtable");

const [name, endpointUrl, apiKey, baseId] = process.argv.slice(2);
const base = new Airtable({ apiKey, endpointUrl, noRetryIfRateLimited: true }).base(baseId);
const tasks = base("Tasks");

const refused = (promise) => promise.then(() => assert.fail("was accepted"), (error) => error);
const names = (records) => records.map((record) => record.get("Name"));
const thirty = async () => {
  for (const tens of [0, 1, 2]) {
    await tasks.create([...Array(10).keys()].map((n) => ({ fields: { Name: `${tens}${n}`, Count: n } })));
  }
};

const scenarios = {
  async creates_one_and_finds_it() {
    const made = await tasks.create({ Name: "ä 日本 🐘", Count: 1.5, Done: true, Tags: ["Low"] });
    assert.match(made.id, /^rec[0-9A-Za-z]{14}$/);
    const found = await tasks.find(made.id);
    assert.deepEqual(found.fields, made.fields);
    assert.equal(found.get("Name"), "ä 日本 🐘");
    assert.deepEqual(found.get("Tags"), ["Low"]);
  },

  async creates_ten_in_order() {
    const made = await tasks.create([...Array(10).keys()].map((n) => ({ fields: { Name: `${n}` } })));
    assert.deepEqual(names(made), [..."0123456789"]);
  },

  async creates_with_typecast() {
    const made = await tasks.create({ Name: 12, Level: "Brand new" }, { typecast: true });
    assert.equal(made.get("Name"), "12");
    assert.equal(made.get("Level"), "Brand new");
  },

  async updates_and_replaces_one() {
    const made = await tasks.create({ Name: "a", Count: 1 });
    const updated = await tasks.update(made.id, { Count: 2 });
    assert.deepEqual([updated.get("Name"), updated.get("Count")], ["a", 2]);
    const replaced = await tasks.replace(made.id, { Count: 3 });
    assert.deepEqual([replaced.get("Name"), replaced.get("Count")], [undefined, 3]);
    await made.patchUpdate({ Name: "c" });
    assert.equal((await made.fetch()).get("Name"), "c");
  },

  async updates_and_replaces_some() {
    const made = await tasks.create([{ fields: { Name: "a", Count: 1 } }, { fields: { Name: "b", Count: 1 } }]);
    const change = made.map((record) => ({ id: record.id, fields: { Count: 2 } })).reverse();
    assert.deepEqual(names(await tasks.update(change)), ["b", "a"]);
    assert.deepEqual(names(await tasks.replace(change)), [undefined, undefined]);
  },

  async upserts() {
    const upsert = { performUpsert: { fieldsToMergeOn: ["Name"] } };
    const first = await tasks.update([{ fields: { Name: "a", Count: 1 } }], upsert);
    const second = await tasks.update([{ fields: { Name: "a", Count: 2 } }], upsert);
    assert.deepEqual(first.createdRecords, second.updatedRecords);
    assert.equal((await tasks.select().all()).length, 1);
  },

  async destroys_one_and_some() {
    const made = await tasks.create([{ fields: {} }, { fields: {} }, { fields: {} }]);
    const [first, ...others] = made.map((record) => record.id);
    assert.equal((await tasks.destroy(first)).id, first);
    assert.deepEqual((await tasks.destroy(others)).map((record) => record.id), others);
    assert.deepEqual(await tasks.select().all(), []);
  },

  async selects_all_pages() {
    await thirty();
    const sizes = [];
    await tasks.select({ pageSize: 12 }).eachPage((records, next) => {
      sizes.push(records.length);
      next();
    });
    assert.deepEqual(sizes, [12, 12, 6]);
    assert.equal((await tasks.select({ pageSize: 7, maxRecords: 20 }).all()).length, 20);
    assert.equal((await tasks.select({ pageSize: 7 }).firstPage()).length, 7);
  },

  async selects_by_formula_sort_fields_and_view() {
    await thirty();
    const found = await tasks
      .select({
        fields: ["Name", "Count"],
        filterByFormula: "AND({Count}>=8, FIND('1', {Name})=1)",
        sort: [{ field: "Count", direction: "desc" }, { field: "Name" }],
        view: "Grid view",
      })
      .all();
    assert.deepEqual(found.map((record) => record.fields), [{ Name: "19", Count: 9 }, { Name: "18", Count: 8 }]);
    const [byId] = await tasks.select({ maxRecords: 1, returnFieldsByFieldId: true }).all();
    assert.ok(Object.keys(byId.fields).every((key) => key.startsWith("fld")));
  },

  async selects_with_a_formula_too_long_for_a_url() {
    await thirty();
    const parts = [...Array(900).keys()].map((n) => `{Name}='nobody ${n}'`);
    const filterByFormula = `OR(${parts.join(", ")}, {Name}='07')`;
    assert.deepEqual(names(await tasks.select({ filterByFormula, sort: [{ field: "Name" }] }).all()), ["07"]);
  },

  async uses_a_table_whose_name_needs_encoding() {
    const table = base("Ünder / 100%");
    const made = await table.create({ Name: "a" });
    assert.equal((await table.find(made.id)).id, made.id);
  },

  async is_told_what_was_wrong() {
    const seen = async (promise) => {
      const error = await refused(promise);
      return [error.statusCode, error.error];
    };
    assert.deepEqual(await seen(tasks.create({ Nmae: "a" })), [422, "UNKNOWN_FIELD_NAME"]);
    assert.deepEqual(await seen(tasks.create({ Level: "x" })), [422, "INVALID_MULTIPLE_CHOICE_OPTIONS"]);
    assert.deepEqual(await seen(tasks.create(Array(11).fill({ fields: {} }))), [422, "INVALID_RECORDS"]);
    assert.deepEqual(await seen(tasks.find("recMissingMissing")), [403, "NOT_AUTHORIZED"]);
    assert.deepEqual(await seen(tasks.find("nonsense")), [404, "NOT_FOUND"]);
    assert.deepEqual(await seen(tasks.select({ filterByFormula: "{" }).all()), [422, "INVALID_FILTER_BY_FORMULA"]);
    const stranger = new Airtable({ apiKey: "patStranger", endpointUrl }).base(baseId);
    assert.deepEqual(await seen(stranger("Tasks").select().all()), [401, "AUTHENTICATION_REQUIRED"]);
  },

  async is_refused_for_its_rate() {
    for (let n = 0; n < 5; n += 1) await tasks.select().all();
    const error = await refused(tasks.select().all());
    assert.equal(error.statusCode, 429);
  },
};

scenarios[name]().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
