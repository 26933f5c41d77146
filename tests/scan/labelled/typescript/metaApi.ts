import axios from 'axios';

const META = 'https://api.airtable.com/v0/meta/bases';

export async function createTable(baseId: string): Promise<string> {
  const { data } = await axios.post(`${META}/${baseId}/tables`, {
    name: 'Client Run Results',
    fields: [{ name: 'Run ID', type: 'singleLineText' }],
  });
  return data.id;
}

export async function updateTable(baseId: string, tableId: string, name: string): Promise<void> {
  await axios.patch(`${META}/${baseId}/tables/${tableId}`, { name });
}

export async function createWebhook(baseId: string): Promise<void> {
  await fetch(`https://api.airtable.com/v0/bases/${baseId}/webhooks`, { method: 'POST', body: '{}' });
}

export async function search(baseId: string, formula: string): Promise<unknown> {
  const url = `https://api.airtable.com/v0/${baseId}/Client%20Run%20Results/listRecords`;
  return (await axios.post(url, { filterByFormula: formula })).data;
}
