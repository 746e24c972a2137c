import { timingSafeEqual } from 'node:crypto';
import type { Scope } from '../contract/access.ts';

/** What is kept of a key: never the key itself. */
export interface KeyRecord {
  /** `key_`, 12 hex digits of the time it was made, and the beginning of its digest: ids ascend with time. */
  readonly id: string;
  readonly account: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** The beginning of the key's text. */
  readonly prefix: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** SHA-256 of the key's text. */
  readonly digest: Uint8Array;
}

/** Hex digits of the digest by which a key is found; the rest is compared in constant time. */
const lookupDigits = 20;

const prefixCharacters = 'magi_'.length + 6;

export const keyIdPattern = /^key_[0-9a-f]{32}$/;

/** SHA-256 of a key's text. */
export async function keyDigest(key: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key)));
}

/** The beginning of the digest, in hex. */
export function lookupOf(digest: Uint8Array): string {
  return hex(digest).slice(0, lookupDigits);
}

/** Takes as long wherever two digests differ. */
export function isSameDigest(one: Uint8Array, other: Uint8Array): boolean {
  return timingSafeEqual(one, other);
}

/** What is kept of a new key. */
export async function keyRecord(
  key: string,
  of: Pick<KeyRecord, 'account' | 'name' | 'scopes'>,
  now: number,
): Promise<KeyRecord> {
  const digest = await keyDigest(key);
  return {
    ...of,
    id: `key_${now.toString(16).padStart(12, '0')}${lookupOf(digest)}`,
    prefix: key.slice(0, prefixCharacters),
    createdAt: now,
    digest,
  };
}

/** The beginning of a key's digest, which its id ends with; null for what is not the id of a key. */
export function lookupOfId(id: string): string | null {
  return keyIdPattern.test(id) ? id.slice(-lookupDigits) : null;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
