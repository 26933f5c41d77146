const { getBase } = require('./client');
const { TABLES } = require('../constants/tables');

exports.addClient = async function addClient(name) {
  return getBase()(TABLES.CLIENTS).create({ Name: name }); // expect: creation@Clients
};

exports.activeClients = async function activeClients() {
  return getBase()(TABLES.CLIENTS).select({ filterByFormula: "{Status} = 'Active'" }).all();
};

exports.savePosts = (posts) => getBase()(TABLES.POSTS).create(posts.map((fields) => ({ fields }))); // expect: creation@LinkedIn Posts
