import Airtable, { FieldSet, Record as AirtableRecord, Table } from 'airtable';

interface RunFields extends FieldSet {
  'Run ID': string;
  Status: string;
}

export class RunNotFoundError extends Error {}

export class RunService {
  private readonly table: Table<RunFields>;
  private readonly records = new Map<string, string>();

  constructor(private readonly base = new Airtable().base('app')) {
    this.table = this.base('Client Run Results') as Table<RunFields>;
  }

  private async find(runId: string): Promise<AirtableRecord<RunFields> | undefined> {
    const page = await this.table.select({ filterByFormula: `{Run ID}="${runId}"`, maxRecords: 1 }).firstPage();
    return page[0];
  }

  private async require(runId: string): Promise<AirtableRecord<RunFields>> {
    const record = await this.find(runId);
    if (!record) throw new RunNotFoundError(runId);
    return record;
  }

  async create(runId: string): Promise<string> {
    const record = await this.table.create({ 'Run ID': runId, Status: 'Running' }); // expect: creation
    this.records.set(runId, record.getId());
    return record.getId();
  }

  async setStatus(runId: string, status: string): Promise<void> {
    const record = await this.require(runId);
    await record.updateFields({ Status: status }); // expect: update
  }

  async setStatusSafely(runId: string, status: string): Promise<void> {
    try {
      await this.setStatus(runId, status); // expect: updating-wrapper
    } catch (error) {
      if (error instanceof RunNotFoundError) {
        await this.create(runId); // expect: recovery
        await this.setStatus(runId, status); // expect: updating-wrapper
        return;
      }
      throw error;
    }
  }

  async idOf(runId: string): Promise<string> {
    const known = this.records.get(runId);
    if (known) return known;
    return this.create(runId); // expect: recovery
  }
}

export const service = new RunService();

export async function runJob(runId: string, job: () => Promise<void>): Promise<void> {
  await service.create(runId); // expect: creating-wrapper
  try {
    await job();
    await service.setStatus(runId, 'Completed'); // expect: updating-wrapper
  } catch {
    await service.setStatus(runId, 'Failed'); // expect: updating-wrapper
  }
}
