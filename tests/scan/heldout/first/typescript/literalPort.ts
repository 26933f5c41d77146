import Airtable from 'airtable';

export interface Recorder {
  begin: (runId: string) => Promise<string>;
  end: (id: string, status: string) => Promise<void>;
}

export function airtableRecorder(apiKey: string, baseId: string): Recorder {
  const table = new Airtable({ apiKey }).base(baseId)('Client Run Results');
  return {
    begin: async (runId) => (await table.create({ 'Run ID': runId })).id, // expect: creation
    end: async (id, status) => {
      await table.update(id, { Status: status }); // expect: update
    },
  };
}

export class Pipeline {
  private recorder: Recorder;

  constructor(options: { recorder?: Recorder } = {}) {
    this.recorder = options.recorder ?? airtableRecorder('k', 'app');
  }

  async run(runId: string): Promise<void> {
    const id = await this.recorder.begin(runId); // expect: creating-wrapper
    try {
      await Promise.resolve(runId.length);
      await this.recorder.end(id, 'Completed'); // expect: updating-wrapper
    } catch (error) {
      await this.recorder.end(id, 'Failed'); // expect: updating-wrapper
      throw error;
    }
  }
}
