import Airtable from 'airtable';

const base = new Airtable({ apiKey: 'k' }).base('app');

export async function insert<T extends Airtable.FieldSet>(table: string, fields: T): Promise<string> {
  return (await base<T>(table).create(fields)).id; // expect: unresolved
}

export async function touch(id: string): Promise<void> {
  await base(process.env.RUNS_TABLE!).update(id, { Touched: true }); // expect: unresolved
}

export async function touchDefault(id: string): Promise<void> {
  const name = process.env.RUNS_TABLE ?? 'Client Run Results';
  await base(name).update(id, { Touched: true }); // expect: update
}
