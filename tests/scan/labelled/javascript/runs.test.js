const { describe, expect, it, beforeEach } = require('@jest/globals');
const base = require('airtable').base('appTest');

describe('runs', () => {
  let record;

  beforeEach(async () => {
    record = await base('Client Run Results').create({ 'Run ID': 't1' });
  });

  it('completes', async () => {
    const after = await base('Client Run Results').update(record.id, { Status: 'Completed' });
    expect(after.fields.Status).toBe('Completed');
  });
});
