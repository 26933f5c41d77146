import Airtable from 'airtable';
import { Hono } from 'hono';

const runs = new Airtable({ apiKey: 'k' }).base('app').table('Client Run Results');

export class StartRun {
  async execute(runId: string) {
    const found = await runs.select({ filterByFormula: `{Run ID}='${runId}'` }).firstPage();
    if (found.length > 0) {
      return { ok: false as const, reason: 'exists' };
    }
    const record = await runs.create({ 'Run ID': runId }); // expect: creation
    return { ok: true as const, id: record.id };
  }
}

export class FinishRun {
  constructor(private starter: StartRun) {}

  async execute(runId: string) {
    const found = await runs.select({ filterByFormula: `{Run ID}='${runId}'` }).firstPage();
    if (found.length === 0) {
      await this.starter.execute(runId); // expect: recovery
      return this.execute(runId);
    }
    await runs.update(found[0].id, { Status: 'Completed' }); // expect: update
  }
}

export class TokenCounter {
  private counts = new Map<string, number>();
  add(runId: string, n: number) {
    this.counts.set(runId, (this.counts.get(runId) ?? 0) + n);
  }
  create() {
    return new TokenCounter();
  }
}
