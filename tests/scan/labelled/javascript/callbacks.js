var Airtable = require('airtable');
Airtable.configure({ endpointUrl: 'https://api.airtable.com', apiKey: 'keyXYZ' });
var base = Airtable.base('appXYZ');

exports.start = function (runId, done) {
  base('Client Run Results').create({ 'Run ID': runId }, { typecast: true }, function (err, record) { // expect: creation
    if (err) return done(err);
    done(null, record.getId());
  });
};

exports.finish = function (id, fields, done) {
  base('Client Run Results').update(id, fields, function (err, record) { // expect: update
    if (err) { console.error(err); return; }
    done(null, record);
  });
};

exports.remove = function (id, done) {
  base('Client Run Results').destroy(id, done);
};
