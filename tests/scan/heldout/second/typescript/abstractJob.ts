import Airtable from 'airtable';

type RunFields = { 'Run ID': string; Status?: string };

export abstract class Job {
  protected abstract readonly tableName: string;
  protected readonly base = new Airtable().base('appJobs');

  protected abstract work(): Promise<number>;

  async run(runId: string) {
    const record = await this.base(this.tableName).create({ 'Run ID': runId } as RunFields as any); // expect: creation
    const count = await this.work();
    await this.base(this.tableName).update(record.id, { Count: count }); // expect: update
  }
}

export class ScoreJob extends Job {
  protected readonly tableName = 'Client Run Results';

  protected async work() {
    return 1;
  }
}

export class Runner {
  private readonly jobs = new Map<string, Job>();

  register(name: string, job: Job) {
    this.jobs.set(name, job);
  }

  async start(job: Job, runId: string) {
    await job.run(runId); // expect: creating-wrapper, updating-wrapper
  }
}
