import { z } from 'zod';

export const TABLE = 'Client Run Results' as const;

export const createRun = z.object({ 'Run ID': z.string(), 'Client ID': z.string(), Status: z.enum(['Running', 'Completed']) });

export const updateRun = createRun.partial().extend({ id: z.string().startsWith('rec') });

export const upsertRun = z.object({
  performUpsert: z.object({ fieldsToMergeOn: z.array(z.string()).default(['Run ID']) }),
  records: z.array(z.object({ fields: createRun })).max(10),
});

export type Upsert = z.infer<typeof upsertRun>;

export const parse = (body: unknown): Upsert => upsertRun.parse(body);
