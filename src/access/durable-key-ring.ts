import { type KeyRequest, localAccount, Scope } from '../contract/access.ts';
import { keyPattern, keyText } from '../contract/key-text.ts';
import { isSameDigest, keyDigest, keyRecord, lookupOf, lookupOfId } from './api-key.ts';
import type { KeyRing } from './key-ring.ts';
import type { KeyRingObject } from './key-ring-object.ts';

const parts = [...'0123456789abcdef'];

/** What a key ring takes from outside. */
export interface KeyRingSurroundings {
  readonly keys: DurableObjectNamespace<KeyRingObject>;
  /** The key that is in no object: from the configuration. */
  readonly configured: string | undefined;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/**
 * The key ring over sixteen Durable Objects, one for each first hex digit of a key's digest: a key is found in one
 * call, and whatever strangers send, there are never more objects.
 */
export function durableKeyRing({ keys, configured, clock }: KeyRingSurroundings): KeyRing {
  const part = (lookup: string) => keys.get(keys.idFromName(`keys-${lookup[0]}`));
  let configuredDigest: Uint8Array | undefined;
  const isConfigured = async (digest: Uint8Array) => {
    if (configured === undefined) return false;
    configuredDigest ??= await keyDigest(configured);
    return isSameDigest(configuredDigest, digest);
  };
  return {
    async caller(key) {
      if (!keyPattern.test(key)) return null;
      const digest = await keyDigest(key);
      if (await isConfigured(digest))
        return { account: localAccount, scopes: Scope.options, keyId: 'configured' };
      const found = await part(lookupOf(digest)).find(digest);
      return found && { account: found.account, scopes: found.scopes, keyId: found.id };
    },
    async create({ name, scopes, account = newAccount() }: KeyRequest) {
      const key = keyText(crypto.getRandomValues(new Uint8Array(32)));
      const record = await keyRecord(key, { account, name, scopes }, clock());
      await part(lookupOf(record.digest)).insert(record);
      const { digest: _, ...shown } = record;
      return { shown, key };
    },
    async list(request) {
      const { limit, order } = request;
      const one = { ...request, limit: limit + 1 };
      const pages = await Promise.all(parts.map((lookup) => part(lookup).page(one)));
      const direction = order === 'asc' ? 1 : -1;
      const all = pages.flat().sort((a, b) => (a.id < b.id ? -direction : direction));
      return { keys: all.slice(0, limit), hasMore: all.length > limit };
    },
    async revoke(id) {
      const lookup = lookupOfId(id);
      return lookup !== null && (await part(lookup).delete(id));
    },
  };
}

function newAccount(): string {
  return `acct_${crypto.randomUUID().replaceAll('-', '')}`;
}
