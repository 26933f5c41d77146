// scan: runs = "job_runs"
const UPDATE = 'UPDATE job_runs SET status = $2 WHERE run_id = $1';
const INSERT = 'INSERT INTO job_runs (run_id, status) VALUES ($1, $2)';

class JobRuns {
  constructor(client) {
    this.client = client;
  }

  async setStatus(runId, status) {
    const result = await this.client.query(UPDATE, [runId, status]); // expect: update
    if (result.rowCount === 0) {
      await this.client.query(INSERT, [runId, status]); // expect: recovery
    }
  }

  async start(runId) {
    await this.client.query(INSERT, [runId, 'Running']); // expect: creation
  }
}

export default JobRuns;
