const API_ROOT = 'https://api.airtable.com/v0' as const;

type Method = 'GET' | 'POST' | 'PATCH';

interface Options {
  readonly token: string;
  readonly baseId: string;
}

export class RunsApi {
  private readonly url: string;

  constructor(private readonly options: Options) {
    this.url = `${API_ROOT}/${options.baseId}/${encodeURIComponent('Client Run Results')}`;
  }

  private headers(): HeadersInit {
    return { Authorization: `Bearer ${this.options.token}`, 'Content-Type': 'application/json' };
  }

  async create(fields: object): Promise<Response> {
    const method: Method = 'POST';
    return fetch(this.url, { method, headers: this.headers(), body: JSON.stringify({ fields }) }); // expect: creation
  }

  async update(id: string, fields: object): Promise<Response> {
    return fetch(`${this.url}/${id}`, { method: 'PATCH', headers: this.headers(), body: JSON.stringify({ fields }) }); // expect: update
  }
}
