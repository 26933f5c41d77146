// scan: runs = "runs"
import { Injectable, Controller, Post, Patch, Param, Body, NotFoundException, ConflictException } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { Pool } from 'pg';


@Injectable()
export class RunsRepository {
  constructor(private readonly pool: Pool) {}

  async exists(id: string): Promise<boolean> {
    const found = await this.pool.query('SELECT 1 FROM runs WHERE id = $1', [id]);
    return found.rows.length > 0;
  }

  async insert(id: string): Promise<void> {
    await this.pool.query('INSERT INTO runs (id) VALUES ($1)', [id]); // expect: creation
  }

  async touch(id: string): Promise<number> {
    const done = await this.pool.query('UPDATE runs SET beat = now() WHERE id = $1', [id]); // expect: update
    return done.rowCount ?? 0;
  }
}

@Controller('runs')
export class RunsController {
  constructor(private readonly runs: RunsRepository) {}

  @Post(':id')
  async start(@Param('id') id: string) {
    if (await this.runs.exists(id)) throw new ConflictException();
    await this.runs.insert(id); // expect: creating-wrapper
  }

  @Patch(':id') // expect: no-start
  async beat(@Param('id') id: string, @Body() body: unknown) {
    if ((await this.runs.touch(id)) === 0) { // expect: updating-wrapper
      throw new NotFoundException();
    }
  }

  @Post(':id/ensure')
  async ensure(@Param('id') id: string) {
    if (!(await this.runs.exists(id))) {
      await this.runs.insert(id); // expect: recovery
    }
  }
}

@Injectable()
export class Heartbeat {
  private readonly active = new Set<string>();
  constructor(private readonly runs: RunsRepository) {}

  @Cron(CronExpression.EVERY_MINUTE) // expect: no-start
  async beatAll() {
    for (const id of this.active) {
      if (!(await this.runs.touch(id))) await this.runs.insert(id); // expect: updating-wrapper, recovery
    }
  }
}
