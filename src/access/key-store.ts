import type { Scope } from '../contract/access.ts';
import { migrate } from '../job/schema-version.ts';
import { isSameDigest, type KeyRecord, lookupOf } from './api-key.ts';
import type { KeyPageRequest } from './key-ring.ts';

const migrations: readonly string[] = [
  `CREATE TABLE key (
     id TEXT PRIMARY KEY, lookup TEXT NOT NULL, digest BLOB NOT NULL, account TEXT NOT NULL, name TEXT NOT NULL,
     scopes TEXT NOT NULL, prefix TEXT NOT NULL, created_at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX by_lookup ON key (lookup);
   CREATE INDEX by_account ON key (account, id);`,
];

/** The SQL of one part of the key ring. */
export class KeyStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    migrate(storage, migrations);
  }

  insert(key: KeyRecord): void {
    this.#sql.exec(
      'INSERT INTO key VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      key.id,
      lookupOf(key.digest),
      key.digest,
      key.account,
      key.name,
      key.scopes.join(' '),
      key.prefix,
      key.createdAt,
    );
  }

  /** The key with this digest. How long the search takes tells of the digest's beginning alone, which ids show. */
  find(digest: Uint8Array): KeyRecord | null {
    const candidates = this.#keys('WHERE lookup = ?', lookupOf(digest));
    return candidates.find((key) => isSameDigest(key.digest, digest)) ?? null;
  }

  /** At most `limit` keys in the order of their ids or its reverse. */
  page({ account, after, limit, order }: KeyPageRequest): KeyRecord[] {
    const beyond = order === 'asc' ? 'id > ?1' : 'id < ?1';
    const start = after ?? (order === 'asc' ? '' : '~');
    const where = `WHERE ${beyond} AND (?2 IS NULL OR account = ?2) ORDER BY id ${order} LIMIT ?3`;
    return this.#keys(where, start, account, limit);
  }

  /** False where there is no such key. */
  delete(id: string): boolean {
    return this.#sql.exec('DELETE FROM key WHERE id = ?', id).rowsWritten > 0;
  }

  #keys(where: string, ...values: SqlStorageValue[]): KeyRecord[] {
    const rows = this.#sql.exec<KeyRow>(`SELECT * FROM key ${where}`, ...values).toArray();
    return rows.map((row) => ({
      id: row.id,
      account: row.account,
      name: row.name,
      scopes: row.scopes.split(' ') as Scope[],
      prefix: row.prefix,
      createdAt: row.created_at,
      digest: new Uint8Array(row.digest),
    }));
  }
}

interface KeyRow extends Record<string, SqlStorageValue> {
  id: string;
  digest: ArrayBuffer;
  account: string;
  name: string;
  scopes: string;
  prefix: string;
  created_at: number;
}
