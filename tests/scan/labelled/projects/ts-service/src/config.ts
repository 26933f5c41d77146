export interface Config {
  readonly apiKey: string;
  readonly baseId: string;
  readonly tables: { readonly runs: string; readonly clients: string };
}

export const config = {
  apiKey: process.env.AIRTABLE_API_KEY ?? '',
  baseId: process.env.AIRTABLE_BASE_ID ?? '',
  tables: {
    runs: process.env.RUNS_TABLE ?? 'Client Run Results',
    clients: 'Clients',
  },
} satisfies Config;
