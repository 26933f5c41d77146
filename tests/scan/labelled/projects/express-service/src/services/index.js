const runs = require('./runService');
const cache = require('./runCache');

exports.runs = runs;
exports.cache = cache;
