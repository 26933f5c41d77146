import * as Y from 'yjs';
import { EditorState } from '@codemirror/state';

const doc = new Y.Doc();
const runs = doc.getMap<Y.Map<string>>('Client Run Results');

doc.on('update', (update: Uint8Array) => Y.applyUpdate(doc, update));

export function create(runId: string): Y.Map<string> {
  const run = new Y.Map<string>();
  runs.set(runId, run);
  return run;
}

export function update(runId: string, key: string, value: string): void {
  const run = runs.get(runId) ?? create(runId);
  run.set(key, value);
}

export function editor(text: string): EditorState {
  const state = EditorState.create({ doc: text });
  return state.update({ changes: { from: 0, insert: 'base("Client Run Results").create({})' } }).state;
}
