import { createHash, createHmac, type Hash } from 'node:crypto';

const digests = new Map<string, Hash>();

export function updateDigest(table: string, chunk: Buffer): void {
  let hash = digests.get(table);
  if (!hash) {
    hash = createHash('sha256');
    digests.set(table, hash);
  }
  hash.update(chunk);
}

export function signature(body: string, secret: string): string {
  return createHmac('sha1', secret).update('Client Run Results').update(body).digest('hex');
}

export class RunSet<T extends { id: string }> {
  private readonly seen = new Set<string>();

  add(run: T): boolean {
    const before = this.seen.size;
    this.seen.add(run.id);
    return this.seen.size > before;
  }

  create(run: T): T {
    return Object.assign(Object.create(null), run);
  }
}
