import { keyRecord } from '../../src/access/api-key.ts';
import type { KeyPageRequest, KeyRing, ShownKey } from '../../src/access/key-ring.ts';
import { type Caller, type KeyRequest, localAccount, Scope } from '../../src/contract/access.ts';
import { keyText } from '../../src/contract/key-text.ts';
import { serviceKey } from '../service-key.ts';

/** Keys in memory, and the configured one. */
export class MemoryKeys implements KeyRing {
  readonly #keys = new Map<string, ShownKey>();

  /** Of all keys but the configured one, the oldest first. */
  get ids(): string[] {
    return Array.from(this.#keys.values(), ({ id }) => id);
  }

  async caller(key: string): Promise<Caller | null> {
    if (key === serviceKey) return { account: localAccount, scopes: Scope.options, keyId: 'configured' };
    const known = this.#keys.get(key);
    return known === undefined ? null : { ...known, keyId: known.id };
  }

  async create({ account = 'new', name, scopes }: KeyRequest) {
    const key = keyText(crypto.getRandomValues(new Uint8Array(32)));
    const { digest: _, ...shown } = await keyRecord(key, { account, name, scopes }, Date.now());
    this.#keys.set(key, shown);
    return { shown, key };
  }

  async list({ account, after, limit, order }: KeyPageRequest) {
    const sorted = [...this.#keys.values()].filter((key) => account === null || key.account === account);
    if (order === 'desc') sorted.reverse();
    const start = after === null ? 0 : sorted.findIndex(({ id }) => id === after) + 1;
    return { keys: sorted.slice(start, start + limit), hasMore: sorted.length > start + limit };
  }

  async revoke(id: string) {
    const found = [...this.#keys].find(([, key]) => key.id === id);
    return found !== undefined && this.#keys.delete(found[0]);
  }
}
