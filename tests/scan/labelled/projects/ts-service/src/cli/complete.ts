#!/usr/bin/env node
import { RunTracker } from '../services/tracker.js';

async function main(ids: string[]): Promise<void> { // expect: no-start
  const tracker = new RunTracker();
  for (const id of ids) {
    await tracker.complete(id);
  }
}

await main(process.argv.slice(2));
