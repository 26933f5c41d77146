import Koa from 'koa';
import Router from '@koa/router';
import Airtable from 'airtable';

const base = new Airtable({ apiKey: process.env.AIRTABLE_KEY }).base('appKoa');
const runs = base<{ 'Run ID': string; Status: string }>('Client Run Results');
const router = new Router({ prefix: '/runs' });

router.post('/', async (ctx) => {
  const { runId } = ctx.request.body as { runId: string };
  const found = await runs.select({ filterByFormula: `{Run ID}='${runId}'`, maxRecords: 1 }).firstPage();
  ctx.assert(found.length === 0, 409);
  const created = await runs.create({ 'Run ID': runId, Status: 'Running' }); // expect: creation
  ctx.body = { id: created.id };
});

router.patch('/:id', async (ctx) => { // expect: no-start
  await runs.update(ctx.params.id, { Status: 'Completed' }); // expect: update
  ctx.status = 204;
});

router.get('/:id', async (ctx) => {
  ctx.body = (await runs.find(ctx.params.id)).fields;
});

router.put('/:runId', async (ctx) => { // expect: no-start
  const [found] = await runs.select({ filterByFormula: `{Run ID}='${ctx.params.runId}'` }).all();
  if (found) {
    await runs.update(found.id, { Status: 'Running' }); // expect: update
    ctx.status = 204;
    return;
  }
  await runs.create({ 'Run ID': ctx.params.runId, Status: 'Running' }); // expect: recovery
  ctx.status = 201;
});

new Koa().use(router.routes()).listen(3000);
