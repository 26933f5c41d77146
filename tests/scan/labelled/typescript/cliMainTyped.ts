import { parseArgs } from 'node:util';
import Airtable from 'airtable';

type Status = 'Completed' | 'Failed';

const table = new Airtable({ apiKey: process.env.KEY! }).base('app')('Client Run Results');

async function setStatus(id: string, status: Status): Promise<void> {
  await table.update(id, { Status: status }); // expect: update
}

async function main(argv: readonly string[]): Promise<number> { // expect: no-start
  const { values, positionals } = parseArgs({ args: [...argv], options: { failed: { type: 'boolean' } }, allowPositionals: true });
  for (const id of positionals) {
    await setStatus(id, values.failed ? 'Failed' : 'Completed'); // expect: updating-wrapper
  }
  return positionals.length > 0 ? 0 : 2;
}

main(process.argv.slice(2)).then((code) => process.exit(code));
