import got, { type Got } from 'got';

const BODY = { typecast: true, performUpsert: { fieldsToMergeOn: ['Run ID', 'Client ID'] } };

export class UpsertClient {
  private readonly http: Got = got.extend({ prefixUrl: 'https://api.airtable.com/v0/appUp' });

  async one(fields: object): Promise<void> {
    await this.http.patch('Client%20Run%20Results', { json: { ...BODY, records: [{ fields }] } }); // expect: upsert
  }

  async many(rows: object[]): Promise<void> {
    const records = rows.map((fields) => ({ fields }));
    await this.http('Client%20Run%20Results', { method: 'PUT', json: { records, ...BODY } }); // expect: upsert
  }

  async plain(id: string, fields: object): Promise<void> {
    await this.http.patch(`Client%20Run%20Results/${id}`, { json: { fields } }); // expect: update
  }
}
