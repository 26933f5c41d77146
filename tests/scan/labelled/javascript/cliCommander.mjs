import { Command } from 'commander';
import Airtable from 'airtable';

const runs = new Airtable({ apiKey: process.env.KEY }).base('app')('Client Run Results');
const program = new Command();

const open = async (runId) => (await runs.create({ 'Run ID': runId })).id; // expect: creation
const close = async (id, status) => runs.update(id, { Status: status }); // expect: update

program.command('score <runId>').action(async (runId) => {
  const id = await open(runId); // expect: creating-wrapper
  await close(id, 'Completed'); // expect: updating-wrapper
});

program.command('cancel <id>').action(async (id) => { // expect: no-start
  await close(id, 'Cancelled'); // expect: updating-wrapper
});

await program.parseAsync();
