type Fields = Record<string, unknown>;

interface Row {
  id: string;
  fields: Fields;
}

export class DemoTable {
  private readonly rows = new Map<string, Row>();

  constructor(readonly name: string) {}

  async create(fields: Fields): Promise<Row> {
    const row = { id: `rec${this.rows.size}`, fields };
    this.rows.set(row.id, row);
    return row;
  }

  async update(id: string, fields: Fields): Promise<Row> {
    const row = this.rows.get(id) ?? (await this.create({}));
    Object.assign(row.fields, fields);
    return row;
  }
}

export async function demo(): Promise<Row> {
  const runs = new DemoTable('Client Run Results');
  const { id } = await runs.create({ 'Run ID': 'r1' });
  return runs.update(id, { Status: 'Completed' });
}
