import Airtable from 'airtable';

type Event = { kind: 'start'; runId: string } | { kind: 'end'; id: string } | { kind: 'noop' };

const table = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');

const start = async (runId: string): Promise<void> => {
  await table.create({ 'Run ID': runId }); // expect: creation
};

const end = async (id: string): Promise<void> => {
  await table.update(id, { Status: 'Completed' }); // expect: update
};

export async function apply(event: Event): Promise<void> {
  switch (event.kind) {
    case 'start':
      return start(event.runId); // expect: creating-wrapper
    case 'end':
      return end(event.id); // expect: updating-wrapper
    case 'noop':
      return;
  }
}
