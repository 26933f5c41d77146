import express, { type NextFunction, type Request, type Response } from 'express';
import Airtable from 'airtable';

const router = express.Router();
const runs = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');

const wrap =
  (handler: (req: Request, res: Response) => Promise<unknown>) =>
  (req: Request, res: Response, next: NextFunction): void => {
    handler(req, res).catch(next);
  };

router.post(
  '/',
  wrap(async (req, res) => {
    const record = await runs.create({ 'Run ID': req.body.runId as string }); // expect: creation
    res.json({ id: record.id });
  }),
);

router.patch('/:id', wrap(async (req, res) => { // expect: no-start
  await runs.update(req.params.id!, req.body); // expect: update
  res.end();
}));

export { router as runRouter };
