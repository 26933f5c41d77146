const TABLES = Object.freeze({
  RUNS: 'Client Run Results',
  CLIENTS: 'Clients',
  POSTS: 'LinkedIn Posts',
});

const STATUS = { RUNNING: 'Running', COMPLETED: 'Completed', FAILED: 'Failed' };

module.exports = { TABLES, STATUS };
