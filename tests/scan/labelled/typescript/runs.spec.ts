import Airtable from 'airtable';
import { afterEach, describe, expect, it } from 'vitest';

const table = new Airtable({ apiKey: 'k' }).base('appTest')('Client Run Results');

describe('the table of runs', () => {
  const made: string[] = [];

  afterEach(async () => {
    await table.destroy(made.splice(0));
  });

  it('keeps a status', async () => {
    const { id } = await table.create({ 'Run ID': 't' });
    made.push(id);
    await table.update(id, { Status: 'Completed' });
    expect((await table.find(id)).get('Status')).toBe('Completed');
  });
});
