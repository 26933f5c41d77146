import { Injectable } from '@nestjs/common';
import { Controller, Post, Patch, Body, Param, Get } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import Airtable from 'airtable';
export interface RunFields { 'Run ID': string; Status: string }
export const TABLE_NAMES = { runs: 'Client Run Results', clients: 'Clients' } as const;
@Injectable()
export class AirtableProvider {
  private readonly base = new Airtable({ apiKey: process.env.KEY! }).base(process.env.BASE!);
  table<T extends Record<string, any>>(name: keyof typeof TABLE_NAMES) {
    return this.base<T>(TABLE_NAMES[name]);
  }
}
@Injectable()
export class RunsRepository {
  constructor(private readonly airtable: AirtableProvider) {}
  private get runs() {
    return this.airtable.table<RunFields>('runs');
  }
  async insert(fields: RunFields): Promise<string> {
    const record = await this.runs.create(fields, { typecast: true }); // expect: creation
    return record.getId();
  }
  async setStatus(id: string, status: string): Promise<void> {
    await this.runs.update(id, { Status: status }); // expect: update
  }
  async findByRunId(runId: string) {
    const [found] = await this.runs.select({ maxRecords: 1 }).firstPage();
    return found;
  }
}
@Controller('runs')
export class RunsController {
  constructor(private readonly repository: RunsRepository) {}
  @Post()
  async create(@Body() body: RunFields) {
    const id = await this.repository.insert(body); // expect: creating-wrapper
    await this.repository.setStatus(id, 'Running'); // expect: updating-wrapper
    return { id };
  }
  @Patch(':id') // expect: no-start
  async patch(@Param('id') id: string, @Body() body: { status: string }) {
    await this.repository.setStatus(id, body.status); // expect: updating-wrapper
  }
  @Get(':id')
  async get(@Param('id') id: string) { return this.repository.findByRunId(id); }
  @Cron('0 * * * *') // expect: no-start
  async expire() {
    const found = await this.repository.findByRunId('x');
    if (found === undefined) {
      await this.repository.insert({ 'Run ID': 'x', Status: 'Running' }); // expect: recovery
    }
    await this.repository.setStatus(found!.id, 'Expired'); // expect: updating-wrapper
  }
}
namespace Legacy {
  export async function mark(id: string): Promise<void> {
    const repo = new RunsRepository(new AirtableProvider());
    await repo.setStatus(id, 'Legacy'); // expect: updating-wrapper
  }
}
