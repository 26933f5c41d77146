import { Octokit } from '@octokit/rest';

const octokit = new Octokit({ auth: process.env.GITHUB_TOKEN });
const repo = { owner: 'acme', repo: 'reports' };

export async function createRun(sha) {
  const { data } = await octokit.checks.create({ ...repo, name: 'Client Run Results', head_sha: sha });
  return data.id;
}

export async function updateRun(id, conclusion) {
  await octokit.checks.update({ ...repo, check_run_id: id, status: 'completed', conclusion });
}

export async function upsertRun(sha, conclusion) {
  const { data } = await octokit.checks.listForRef({ ...repo, ref: sha });
  const id = data.check_runs[0]?.id ?? (await createRun(sha));
  await updateRun(id, conclusion);
}
