import { Container } from 'inversify';
import Airtable from 'airtable';

export const TYPES = { RunWriter: Symbol('RunWriter'), Base: Symbol('Base') };

export interface RunWriter {
  open(runId: string): Promise<string>;
  finish(id: string, status: 'Completed' | 'Failed'): Promise<void>;
}

export class AirtableRunWriter implements RunWriter {
  private runs;
  constructor(base: ReturnType<Airtable['base']>) {
    this.runs = base('Client Run Results');
  }
  open = async (runId: string) => {
    const { id } = await this.runs.create({ 'Run ID': runId }); // expect: creation
    return id;
  };
  async finish(id: string, status: 'Completed' | 'Failed') {
    await this.runs.update([{ id, fields: { Status: status } }]); // expect: update
  }
}

const container = new Container();
container.bind<RunWriter>(TYPES.RunWriter).toConstantValue(new AirtableRunWriter(new Airtable().base('app')));

export async function withRun<T>(runId: string, work: () => Promise<T>, writer: RunWriter): Promise<T> {
  const id = await writer.open(runId); // expect: creating-wrapper
  try {
    const result = await work();
    await writer.finish(id, 'Completed'); // expect: updating-wrapper
    return result;
  } catch (error) {
    await writer.finish(id, 'Failed'); // expect: updating-wrapper
    throw error;
  }
}
