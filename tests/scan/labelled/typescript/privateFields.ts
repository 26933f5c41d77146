import Airtable from 'airtable';

export default class RunLog {
  static #instance?: RunLog;
  readonly #runs = new Airtable({ apiKey: 'k' }).base('app')('Client Run Results');
  #ids = new Map<string, string>();

  static get shared(): RunLog {
    return (RunLog.#instance ??= new RunLog());
  }

  async #idOf(runId: string): Promise<string> {
    const cached = this.#ids.get(runId);
    if (cached) return cached;
    const [found] = await this.#runs.select({ filterByFormula: `{Run ID}='${runId}'` }).firstPage();
    const id = found?.id ?? (await this.#runs.create({ 'Run ID': runId })).id; // expect: recovery
    this.#ids.set(runId, id);
    return id;
  }

  async note(runId: string, text: string): Promise<void> {
    await this.#runs.update(await this.#idOf(runId), { Notes: text }); // expect: creating-wrapper, update
  }
}
