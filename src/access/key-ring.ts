import type { Caller, KeyRequest } from '../contract/access.ts';
import type { KeyRecord } from './api-key.ts';

/** A key as it can be shown. */
export type ShownKey = Omit<KeyRecord, 'digest'>;

export interface KeyPageRequest {
  /** Of this account alone; null = of all. */
  readonly account: string | null;
  /** Id of the key before the page, which may be revoked by now; null for the first page. */
  readonly after: string | null;
  readonly limit: number;
  readonly order: 'asc' | 'desc';
}

interface KeyPage {
  readonly keys: readonly ShownKey[];
  readonly hasMore: boolean;
}

/** All keys of the service, as routes use them. */
export interface KeyRing {
  /** Whose key it is, or null for one that is unknown, revoked or not even a key. */
  caller(key: string): Promise<Caller | null>;
  /** The key's text is nowhere but in this answer. */
  create(request: KeyRequest): Promise<{ shown: ShownKey; key: string }>;
  list(request: KeyPageRequest): Promise<KeyPage>;
  /** Null for what is not the id of a key. */
  revoke(id: string): Promise<boolean>;
}
