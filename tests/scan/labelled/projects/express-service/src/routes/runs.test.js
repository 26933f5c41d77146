const { createRun, patchRun } = require('../airtable');

test('a run completes', async () => {
  const record = await createRun('t1', 'acme');
  const after = await patchRun(record.id, { Status: 'Completed' });
  expect(after.fields.Status).toBe('Completed');
});
