import { DurableObject } from 'cloudflare:workers';
import type { KeyRecord } from './api-key.ts';
import type { KeyPageRequest, ShownKey } from './key-ring.ts';
import { KeyStore } from './key-store.ts';

/** One part of the key ring: the keys whose digests begin alike. */
export class KeyRingObject<Env = unknown> extends DurableObject<Env> {
  readonly #store: KeyStore;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#store = new KeyStore(context.storage);
  }

  async insert(key: KeyRecord): Promise<void> {
    this.#store.insert(key);
  }

  async find(digest: Uint8Array): Promise<ShownKey | null> {
    const key = this.#store.find(digest);
    return key && shown(key);
  }

  async page(request: KeyPageRequest): Promise<ShownKey[]> {
    return this.#store.page(request).map(shown);
  }

  async delete(id: string): Promise<boolean> {
    return this.#store.delete(id);
  }
}

function shown({ digest: _, ...key }: KeyRecord): ShownKey {
  return key;
}
