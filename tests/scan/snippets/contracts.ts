// Interfaces: implemented by a class, by an object that is written out, in the fields of another, by nothing.
import Airtable from 'airtable';

export interface RunPort {
  begin(runId: string): Promise<void>;
  close: (id: string) => Promise<void>;
}

type Ports = { readonly runs: RunPort; log: Log };

interface Log {
  write(text: string): void;
}

interface Unknown {
  create(fields: object): Promise<void>;
}

const table = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');
const clients = new Airtable({ apiKey: 'k' }).base('app')('Clients');

async function begin(runId: string) {
  await table.create({ 'Run ID': runId }); // expect: creation
}

export const port = {
  begin,
  close: async (id: string) => {
    await table.update(id, { Status: 'Completed' }); // expect: update
  },
};

class ClientPort {
  async begin(name: string) {
    await clients.create({ Name: name }); // expect: creation@Clients
  }
}

abstract class Step {
  abstract store(id: string): Promise<void>;
}

class RunStep extends Step {
  async store(id: string) {
    await table.update(id, {}); // expect: update
  }
}

export async function first({ runs, log }: Ports, runId: string) {
  log.write(runId);
  await runs.begin(runId); // expect: creating-wrapper
}

export async function second(ports: Partial<Ports>, step: Step | null, id: string) {
  await ports.runs?.close(id); // expect: updating-wrapper
  await step?.store(id); // expect: updating-wrapper
}

export async function third(unknown: Unknown) {
  await unknown.create({});
}
