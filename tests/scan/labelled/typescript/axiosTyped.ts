import axios, { type AxiosInstance } from 'axios';

interface AirtableRecord<T> {
  id: string;
  fields: T;
}

export function client(token: string): AxiosInstance {
  return axios.create({ baseURL: 'https://api.airtable.com/v0/appTs', headers: { Authorization: `Bearer ${token}` } });
}

const http = client(process.env.TOKEN ?? '');

export async function startRun(runId: string): Promise<string> {
  const { data } = await http.post<AirtableRecord<{ 'Run ID': string }>>('/Client Run Results', { // expect: creation
    fields: { 'Run ID': runId },
  });
  return data.id;
}

export async function endRun(id: string): Promise<void> {
  await http.patch(`/Client Run Results/${id}`, { fields: { Status: 'Completed' } }); // expect: update
}

export async function night(runId: string): Promise<void> {
  const id = await startRun(runId); // expect: creating-wrapper
  await endRun(id); // expect: updating-wrapper
}
