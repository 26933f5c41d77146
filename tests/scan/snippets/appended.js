// Tables and statements in arrays that are filled after they were made.
const base = require("airtable").base("app");

const tables = [];
tables.push(base("Clients"), base("Jobs"));
tables.push(...[base("Tasks")]);

async function put(fields) {
  for (const table of tables) {
    await table.create([{ fields }]); // expect: creation@Clients, creation@Jobs, creation@Tasks
  }
}

async function putIn(fields) {
  const names = ["Clients"];
  names.unshift("Jobs");
  names[names.length] = "Tasks";
  for (const name of names) {
    await base(name).create([{ fields }]); // expect: creation@Clients, creation@Jobs, creation@Tasks
  }
}

async function built(db, done) {
  const parts = [];
  parts.push("UPDATE jobs");
  parts.push("SET done = 1");
  await db.query(parts.join(" ")); // expect: update@jobs
}

class Store {
  constructor() {
    this.tables = [];
    this.tables.push(base("Files"));
  }

  async put(fields) {
    this.tables.forEach((table) => table.create([{ fields }])); // expect: creation@Files
  }
}

module.exports = { put, putIn, built, Store };
