// Tables of subclasses by a static field, and objects that a base class makes.
const Airtable = require('airtable');

class Model {
  static base = new Airtable({ apiKey: 'k' }).base('app');
  static get table() {
    return this.base(this.tableName);
  }
  static insert(fields) {
    return this.table.create(fields); // expect: creation, creation@Clients
  }
}
class Run extends Model {
  static tableName = 'Client Run Results';
}
class Client extends Model {
  static tableName = 'Clients';
}

function start() {
  return Run.insert({}); // expect: creating-wrapper
}
function add() {
  return Client.insert({}); // expect: creating-wrapper@Clients
}
module.exports = { start, add };
