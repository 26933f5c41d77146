import tracker, { RunTracker } from './tracker.js';
import { ClientTable } from '../store/index.js';

export interface Step {
  readonly name: string;
  run(): Promise<number>;
}

export class Workflow {
  private readonly clients = new ClientTable();

  constructor(
    private readonly steps: readonly Step[],
    private readonly runs: RunTracker = tracker,
  ) {}

  async run(runId: string, clientName: string): Promise<void> {
    const clientId = await this.clients.idOf(clientName);
    const id = await this.runs.start(runId, clientId);
    for (const step of this.steps) {
      console.log(step.name, await step.run());
    }
    await this.runs.complete(id);
  }

  async finish(id: string): Promise<void> {
    await this.runs.complete(id);
  }
}
