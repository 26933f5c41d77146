export interface RunStore {
  readonly table: 'Client Run Results';
  create(fields: RunFields): Promise<string>;
  update(id: string, fields: Partial<RunFields>): Promise<void>;
  upsert?(rows: RunFields[]): Promise<void>;
}

export interface RunFields {
  'Run ID': string;
  'Client ID': string;
}

export type Creates = Pick<RunStore, 'create'>;
export type Updates = Omit<RunStore, 'create' | 'upsert'>;

export abstract class AbstractRunStore implements RunStore {
  readonly table = 'Client Run Results';
  abstract create(fields: RunFields): Promise<string>;
  abstract update(id: string, fields: Partial<RunFields>): Promise<void>;
}

export const isRunStore = (value: unknown): value is RunStore =>
  typeof value === 'object' && value !== null && 'create' in value && 'update' in value;
