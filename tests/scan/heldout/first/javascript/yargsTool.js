#!/usr/bin/env node
const yargs = require('yargs');
const knex = require('knex')({ client: 'pg' });
const { Pool } = require('pg');

const pool = new Pool();
const q = (text, params = []) => pool.query(text, params); // expect: creation, update

async function begin(argv) {
  await q('INSERT INTO client_runs (id, state) VALUES ($1, $2)', [argv.id, 'running']); // expect: creating-wrapper
}

async function end(argv) {
  const { rows } = await q('SELECT id FROM client_runs WHERE id = $1', [argv.id]);
  if (rows.length < 1) {
    console.log('no run, adding one');
    await begin(argv); // expect: recovery
  }
  await q('UPDATE client_runs SET state = $2 WHERE id = $1', [argv.id, argv.state]); // expect: updating-wrapper
}

async function purge() {
  await q("DELETE FROM client_runs WHERE state = 'done'");
  await knex.raw('VACUUM client_runs');
}

yargs
  .command('begin <id>', 'start a run', () => {}, begin)
  .command('end <id> <state>', 'finish a run', () => {}, end)
  .command('purge', 'remove old runs', () => {}, purge)
  .parse();
