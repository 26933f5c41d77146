import { jest } from '@jest/globals';
import Airtable from 'airtable';

const table = new Airtable({ apiKey: 'k' }).base('appTest')('Client Run Results');

test('update is called once', async () => {
  const { id } = await table.create({ 'Run ID': 's1' });
  const spy = jest.spyOn(table, 'update');
  await table.update(id, { Status: 'Completed' });
  expect(spy).toHaveBeenCalledTimes(1);
});
