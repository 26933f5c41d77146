import { Router, type Request, type Response } from 'express';
import Airtable from 'airtable';

class RunStore {
  private runs = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');

  add(runId: string) {
    return this.runs.create({ 'Run ID': runId }); // expect: creation
  }

  close(id: string) {
    return this.runs.update(id, { Status: 'Completed' }); // expect: update
  }
}

export class RunController {
  readonly router = Router();
  private store: RunStore = new RunStore();

  constructor() {
    this.router.post('/', this.create);
    this.router.post('/:id/close', this.close); // expect: no-start
  }

  private create = async (req: Request, res: Response): Promise<void> => {
    res.json(await this.store.add(req.body.runId)); // expect: creating-wrapper
  };

  private close = async (req: Request, res: Response): Promise<void> => {
    res.json(await this.store.close(req.params.id)); // expect: updating-wrapper
  };
}
