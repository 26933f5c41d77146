const { createHash } = require('crypto');
const { EventEmitter } = require('events');
const Docker = require('dockerode');
const github = require('@actions/github');

const docker = new Docker();
const octokit = github.getOctokit('t');
const bus = new EventEmitter();
const runs = {};

function createRun(id) {
  runs[id] = { status: 'running' };
  bus.emit('create', runs[id]);
  return runs[id];
}

function updateRun(id, change) {
  Object.assign(runs[id] ?? createRun(id), change);
}

async function workflow(owner, repo) {
  await octokit.rest.checks.create({ owner, repo, name: 'runs', head_sha: createHash('sha1').update(repo).digest('hex') });
  await octokit.rest.actions.createWorkflowDispatch({ owner, repo, workflow_id: 1, ref: 'main' });
  const container = await docker.container.create({ name: 'runs' });
  await container.update({ CpuShares: 1 });
}

bus.on('update', (id, change) => updateRun(id, change));
module.exports = { workflow, createRun };
