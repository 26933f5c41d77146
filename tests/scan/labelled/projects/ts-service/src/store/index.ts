export * from './clients.js';
export { RunTable, type RunFields } from './runs.js';
