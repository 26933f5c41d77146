import axios, { AxiosInstance } from 'axios';
const BASE = 'https://api.airtable.com/v0/appXYZ';
export class AirtableHttp {
  private http: AxiosInstance;
  constructor(private readonly token: string) {
    this.http = axios.create({ baseURL: BASE, headers: { Authorization: `Bearer ${token}` } });
  }
  async create(table: string, fields: object) {
    const { data } = await this.http.post(`/${encodeURIComponent(table)}`, { fields }); // expect: creation
    return data;
  }
  async update(table: string, id: string, fields: object) {
    const { data } = await this.http.patch(`/${encodeURIComponent(table)}/${id}`, { fields }); // expect: update
    return data;
  }
  async find(table: string, formula: string) {
    const { data } = await this.http.get(`/${encodeURIComponent(table)}`, { params: { filterByFormula: formula } });
    return data.records[0];
  }
}
const RUNS = 'Client Run Results';
const at = new AirtableHttp(process.env.TOKEN!);
export async function createClientRunRecord(runId: string) {
  return at.create(RUNS, { 'Run ID': runId }); // expect: creating-wrapper
}
export async function updateRun(runId: string, fields: object) {
  const rec = await at.find(RUNS, `{Run ID}='${runId}'`);
  if (!rec) {
    const made = await createClientRunRecord(runId); // expect: recovery
    return at.update(RUNS, made.id, fields); // expect: updating-wrapper
  }
  return at.update(RUNS, rec.id, fields); // expect: updating-wrapper
}
export const legacyUpdate = (runId: string, fields: object) =>
  fetch(`${BASE}/${RUNS}/${runId}`, { method: 'PATCH', body: JSON.stringify({ fields }) }); // expect: update
