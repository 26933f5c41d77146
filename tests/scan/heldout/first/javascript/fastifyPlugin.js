const fastify = require('fastify')({ logger: true });
const Airtable = require('airtable');

const TABLE = process.env.RUNS_TABLE || 'Client Run Results';

fastify.decorate('runs', new Airtable().base('appF').table(TABLE));

async function findRun(runId) {
  const page = await fastify.runs.select({ filterByFormula: `{Run ID} = '${runId}'`, maxRecords: 1 }).firstPage();
  return page.length ? page[0] : null;
}

fastify.post('/runs', async (request, reply) => {
  const { runId } = request.body;
  if (await findRun(runId)) return reply.code(409).send({ error: 'exists' });
  const record = await fastify.runs.create({ 'Run ID': runId }); // expect: creation
  return reply.code(201).send({ id: record.id });
});

fastify.route({ // expect: no-start
  method: 'PUT',
  url: '/runs/:id',
  handler: async (request) => {
    await fastify.runs.update(request.params.id, request.body); // expect: update
    return { ok: true };
  },
});

fastify.listen({ port: 3000 });
