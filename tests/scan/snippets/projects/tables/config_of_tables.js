const TABLES = Object.freeze({ RUNS: 'Client Run Results', CLIENTS: 'Clients' });
module.exports = { TABLES };
