import Airtable from 'airtable';

type Fields = Airtable.FieldSet;

export class Runs {
  private static readonly NAME = 'Client Run Results';
  private readonly runs: Airtable.Table<Fields>;

  constructor({ base }: { base: Airtable.Base }) {
    this.runs = base(Runs.NAME);
  }

  write(fields: Fields): Promise<string>;
  write(fields: Fields, id: string): Promise<string>;
  async write(fields: Fields, id?: string): Promise<string> {
    return id
      ? (await this.runs.update(id, fields)).id // expect: update
      : (await this.runs.create(fields)).id; // expect: creation
  }
}
