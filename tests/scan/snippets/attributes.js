const express = require('express');
const Airtable = require('airtable');
const fastify = require('fastify')();

const app = express();
app.runs = new Airtable().base('app').table('Client Run Results');
app.locals.clients = new Airtable().base('app').table('Clients');
fastify.decorate('store', new Airtable().base('app').table('Client Run Results'));

app.post('/runs', async (req, res) => {
  await app.runs.create(req.body); // expect: creation
  await req.app.locals.clients.create(req.body); // expect: creation@Clients
});

const other = {};
other.installed.runs = new Airtable().base('app').table('Clients'); // is no attribute of `other`
other.runs.create({});

fastify.post('/runs', async (request) => {
  await fastify.store.create(request.body); // expect: creation
  await request.server.store.create(request.body); // expect: creation
});

fastify.route({ // expect: no-start
  method: 'PUT',
  url: '/runs/:id',
  handler: async (request) => {
    await fastify.store.update(request.params.id, request.body); // expect: update
  },
});

// A promise that gives a constant, and its error where it fails.
exports.finish = async (id) => {
  const failed = await app.runs.update(id, { Status: 'Completed' }).then(() => false).catch((error) => error); // expect: update
  if (failed && failed.statusCode === 404) {
    await app.runs.create({ id }); // expect: recovery
  }
};
