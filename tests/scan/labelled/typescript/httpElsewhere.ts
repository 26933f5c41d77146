import axios from 'axios';

const RUN_SERVICE = process.env.RUN_SERVICE ?? 'http://runs.internal';
const JIRA = 'https://example.atlassian.net/rest/api/3/issue';

export async function createRun(runId: string): Promise<void> {
  await axios.post(`${RUN_SERVICE}/v0/Client Run Results`, { runId });
}

export async function updateRun(runId: string, fields: object): Promise<void> {
  await axios.patch(`${RUN_SERVICE}/v0/Client Run Results/${runId}`, fields);
}

export async function createIssue(summary: string): Promise<string> {
  const response = await fetch(JIRA, { method: 'POST', body: JSON.stringify({ fields: { summary } }) });
  return ((await response.json()) as { key: string }).key;
}

export async function notify(url: URL): Promise<void> {
  await fetch(url.href, { method: 'PUT', body: 'api.airtable.com/v0/app/Client Run Results' });
}
