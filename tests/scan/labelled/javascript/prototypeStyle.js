'use strict';
var airtable = require('airtable');

function RunStore(baseId) {
  this.table = airtable.base(baseId)('Client Run Results');
}

RunStore.prototype.add = function (fields, callback) {
  this.table.create(fields, callback); // expect: creation
};

RunStore.prototype.save = function (runId, fields, callback) {
  var self = this;
  this.table.select({ filterByFormula: "{Run ID}='" + runId + "'" }).firstPage(function (err, records) {
    if (err) return callback(err);
    if (records.length < 1) {
      self.table.create(fields, callback); // expect: recovery
    } else {
      self.table.update(records[0].id, fields, callback); // expect: update
    }
  });
};

module.exports = RunStore;
