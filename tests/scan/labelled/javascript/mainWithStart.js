const runs = require('airtable').base('appMain')('Client Run Results');

class Workflow {
  constructor(runId) {
    this.runId = runId;
    this.recordId = null;
  }

  async open() {
    const record = await runs.create({ 'Run ID': this.runId }); // expect: creation
    this.recordId = record.id;
  }

  async step(name) {
    await runs.update(this.recordId, { Step: name }); // expect: update
  }

  async run(steps) {
    await this.open(); // expect: creating-wrapper
    for (const name of steps) await this.step(name); // expect: updating-wrapper
  }
}

async function main() {
  const workflow = new Workflow(process.argv[2]);
  await workflow.run(['harvest', 'score']);
}

main();
