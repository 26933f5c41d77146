import express, { Request, Response, NextFunction } from 'express';
import Airtable from 'airtable';

type Fields = Record<string, unknown>;

interface IRunService {
  start(runId: string): Promise<string>;
  update(runId: string, fields: Fields): Promise<void>;
}

class RunService implements IRunService {
  private readonly runs: Airtable.Table<any>;

  constructor(base: Airtable.Base) {
    this.runs = base.table('Client Run Results');
  }

  async start(runId: string): Promise<string> {
    const existing = await this.find(runId);
    if (existing) throw new Error('exists');
    const created = await this.runs.create({ 'Run ID': runId }); // expect: creation
    return created.id;
  }

  async update(runId: string, fields: Fields): Promise<void> {
    const record = await this.find(runId);
    if (!record) {
      await this.runs.create({ 'Run ID': runId, ...fields }); // expect: recovery
      return;
    }
    await this.runs.update(record.id, fields as any); // expect: update
  }

  private async find(runId: string) {
    const page = await this.runs.select({ filterByFormula: `{Run ID} = "${runId}"`, maxRecords: 1 }).all();
    return page[0];
  }
}

export function routes(service: IRunService) {
  const router = express.Router();
  router.post('/', async (req: Request, res: Response, next: NextFunction) => {
    try {
      res.status(201).json({ id: await service.start(req.body.runId) }); // expect: creating-wrapper
    } catch (error) {
      next(error);
    }
  });
  router.patch('/:runId', async (req, res) => { // expect: no-start
    await service.update(req.params.runId, req.body); // expect: creating-wrapper, updating-wrapper
    res.sendStatus(204);
  });
  return router;
}

const app = express();
app.use('/runs', routes(new RunService(new Airtable({ apiKey: 'k' }).base('app'))));
app.listen(3000);
