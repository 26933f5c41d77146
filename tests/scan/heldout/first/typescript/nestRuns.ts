import { Body, Controller, Injectable, Module, Param, Patch, Post } from '@nestjs/common';
import Airtable, { FieldSet } from 'airtable';

export abstract class RunStore {
  abstract open(runId: string): Promise<string>;
  abstract patch(id: string, fields: Partial<FieldSet>): Promise<void>;
}

@Injectable()
export class AirtableRunStore extends RunStore {
  private readonly base = new Airtable().base(process.env.AIRTABLE_BASE!);

  async open(runId: string) {
    const [record] = await this.base('Client Run Results').create([{ fields: { 'Run ID': runId } }]); // expect: creation
    return record.getId();
  }

  async patch(id: string, fields: Partial<FieldSet>) {
    await this.base('Client Run Results').update(id, fields); // expect: update
  }
}

@Controller('runs')
export class RunsController {
  constructor(private readonly store: RunStore) {}

  @Post()
  async start(@Body() body: { runId: string }) {
    return { id: await this.store.open(body.runId) }; // expect: creating-wrapper
  }

  @Patch(':id') // expect: no-start
  async complete(@Param('id') id: string) {
    await this.store.patch(id, { Status: 'Completed' }); // expect: updating-wrapper
  }
}

@Module({ controllers: [RunsController], providers: [{ provide: RunStore, useClass: AirtableRunStore }] })
export class RunsModule {}
