import { RunTable } from '../store/index.js';

export class RunTracker {
  constructor(private readonly runs: RunTable = new RunTable()) {}

  async start(runId: string, clientId: string): Promise<string> {
    if (await this.runs.of(runId, clientId)) throw new Error(`${runId} of ${clientId} was started`);
    return this.runs.add({ 'Run ID': runId, 'Client ID': clientId, Status: 'Running' }); // expect: creating-wrapper
  }

  async complete(id: string): Promise<void> {
    await this.runs.patch(id, { Status: 'Completed' }); // expect: updating-wrapper
  }

  async fail(runId: string, clientId: string): Promise<void> {
    const record = await this.runs.of(runId, clientId);
    if (record) {
      await this.runs.patch(record.id, { Status: 'Failed' }); // expect: updating-wrapper
    } else {
      await this.runs.add({ 'Run ID': runId, 'Client ID': clientId, Status: 'Failed' }); // expect: recovery
    }
  }
}

export default new RunTracker();
