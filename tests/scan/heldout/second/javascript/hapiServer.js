const Hapi = require('@hapi/hapi');
const axios = require('axios').default;

const airtable = axios.create({
  baseURL: 'https://api.airtable.com/v0/appHapi',
  headers: { Authorization: `Bearer ${process.env.AIRTABLE_TOKEN}` },
});
const PATH = '/Client%20Run%20Results';

async function start(runId) {
  const { data } = await airtable.post(PATH, { fields: { 'Run ID': runId } }); // expect: creation
  return data.id;
}

async function fail(id, error) {
  await airtable.patch(`${PATH}/${id}`, { fields: { Status: 'Failed', Error: error.message } }); // expect: update
}

async function process(runId, work) {
  const id = await start(runId); // expect: creating-wrapper
  try {
    return await work(id);
  } catch (error) {
    await fail(id, error); // expect: updating-wrapper
    throw error;
  }
}

const server = Hapi.server({ port: 3000 });
server.route({ method: 'GET', path: '/health', handler: () => 'ok' });
server.ext('onRequest', (request, h) => h.continue);
module.exports = { server, process };
