import type { EntryPage, EntryPageRequest, PlacedEntry } from '../billing/account-ledger.ts';
import type { Claim, ClaimBook } from '../billing/claims.ts';
import type { Hold } from '../billing/holds.ts';
import { type Balance, type Entry, type EntryKind, emptyBalance } from '../billing/ledger.ts';

import type { PageRequest } from './job-directory.ts';
import { migrate } from './schema-version.ts';
import { webhookSecretTable } from './webhook-secret-store.ts';

/** Ids of a page; hasMore where jobs follow it. */
export interface JobPage {
  readonly jobIds: string[];
  readonly hasMore: boolean;
}

const migrations: readonly string[] = [
  // Accounts of the first version had this table alone, and no version.
  `CREATE TABLE IF NOT EXISTS job (
     position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE
   ) STRICT;`,
  `CREATE TABLE hold (
     job TEXT NOT NULL, hold INTEGER NOT NULL, opened_at INTEGER NOT NULL, is_confirmed INTEGER NOT NULL,
     captured INTEGER NOT NULL, is_ended INTEGER NOT NULL, PRIMARY KEY (job, hold)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX unfinished ON hold (is_ended) WHERE is_ended = 0;
   CREATE INDEX unconfirmed ON hold (is_confirmed) WHERE is_confirmed = 0;`,

  // Credits. Holds of the time before cost nothing.
  `ALTER TABLE hold ADD COLUMN frames INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE hold ADD COLUMN frame_credits INTEGER NOT NULL DEFAULT 0;
   CREATE TABLE entry (
     position INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, credits INTEGER NOT NULL CHECK (credits >= 0),
     at INTEGER NOT NULL, job TEXT, hold INTEGER, reference TEXT UNIQUE,
     purchased INTEGER NOT NULL, available INTEGER NOT NULL CHECK (available >= 0),
     held INTEGER NOT NULL CHECK (held >= 0), spent INTEGER NOT NULL CHECK (spent >= 0),
     CHECK (purchased = available + held + spent)
   ) STRICT;
   CREATE TRIGGER entry_is_not_changed BEFORE UPDATE ON entry
     BEGIN SELECT RAISE(ABORT, 'entries are only added'); END;
   CREATE TRIGGER entry_is_not_deleted BEFORE DELETE ON entry
     BEGIN SELECT RAISE(ABORT, 'entries are only added'); END;`,
  webhookSecretTable,

  // What orders are known again by. Answers are jobs as the code sees them: where those change, set them to NULL.
  `CREATE TABLE claim (
     position INTEGER PRIMARY KEY, key TEXT UNIQUE, request TEXT NOT NULL, job TEXT NOT NULL, hold INTEGER NOT NULL,
     claimed_at INTEGER NOT NULL, answer TEXT
   ) STRICT;
   CREATE INDEX claim_of_request ON claim (request) WHERE key IS NULL;
   CREATE INDEX claim_of_hold ON claim (job, hold);
   CREATE INDEX claim_by_age ON claim (claimed_at);
   CREATE INDEX claim_without_key_by_age ON claim (claimed_at) WHERE key IS NULL;`,
];

/** The SQL of one account: its jobs in the order of creation, their holds, and the ledger. */
export class AccountStore implements ClaimBook {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    migrate(storage, migrations);
  }

  list(jobId: string): void {
    this.#sql.exec('INSERT OR IGNORE INTO job (id) VALUES (?)', jobId);
  }

  unlist(jobId: string): void {
    this.#sql.exec('DELETE FROM job WHERE id = ?', jobId);
    this.#sql.exec('DELETE FROM claim WHERE job = ? AND key IS NULL', jobId);
  }

  hold(jobId: string, hold: number): Hold | null {
    return this.#holds('WHERE job = ? AND hold = ?', jobId, hold)[0] ?? null;
  }

  nextHold(jobId: string): number {
    // A job of the first version is in the list, and the account may not have heard of its hold 0 yet.
    const query = `SELECT coalesce(max(hold) + 1, (SELECT count(*) FROM job WHERE id = ?1)) AS next
       FROM hold WHERE job = ?1`;
    return this.#sql.exec<{ next: number }>(query, jobId).one().next;
  }

  unfinished(): number {
    return this.#sql.exec<{ count: number }>('SELECT count(*) AS count FROM hold WHERE is_ended = 0').one()
      .count;
  }

  unconfirmed(): Hold[] {
    return this.#holds('WHERE is_confirmed = 0');
  }

  write({ jobId, hold, openedAt, isConfirmed, captured, isEnded, price }: Hold): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO hold
         (job, hold, opened_at, is_confirmed, captured, is_ended, frames, frame_credits)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      jobId,
      hold,
      openedAt,
      Number(isConfirmed),
      captured,
      Number(isEnded),
      price.frames,
      price.frameCredits,
    );
  }

  balance(): Balance {
    const query = 'SELECT purchased, available, held, spent FROM entry ORDER BY position DESC LIMIT 1';
    return this.#sql.exec<Record<keyof Balance, number>>(query).toArray()[0] ?? emptyBalance;
  }

  append({ kind, credits, at, jobId, hold, reference, balance }: Entry): void {
    const { purchased, available, held, spent } = balance;
    this.#sql.exec(
      `INSERT INTO entry (kind, credits, at, job, hold, reference, purchased, available, held, spent)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[kind, credits, at, jobId, hold, reference],
      ...[purchased, available, held, spent],
    );
  }

  /** One page of the ledger in its order or the reverse. */
  entries({ after, limit, order }: EntryPageRequest): EntryPage {
    const beyond =
      order === 'asc' ? 'position > ? ORDER BY position ASC' : 'position < ? ORDER BY position DESC';
    const rows = this.#sql.exec<EntryRow>(
      `SELECT * FROM entry WHERE ${beyond} LIMIT ?`,
      after ?? this.#before(order),
      limit + 1,
    );
    const entries = rows.toArray().map(entryOf);
    return { entries: entries.slice(0, limit), hasMore: entries.length > limit };
  }

  topup(reference: string): number | null {
    const query = 'SELECT credits FROM entry WHERE reference = ?';
    return this.#sql.exec<{ credits: number }>(query, reference).toArray()[0]?.credits ?? null;
  }

  claim(key: string): Claim | null {
    return this.#claims('WHERE key = ?', key)[0] ?? null;
  }

  lastClaim(request: string): Claim | null {
    return (
      this.#claims('WHERE request = ? AND key IS NULL ORDER BY position DESC LIMIT 1', request)[0] ?? null
    );
  }

  writeClaim({ key, request, jobId, hold, claimedAt, answer }: Claim): void {
    this.#sql.exec(
      'INSERT OR REPLACE INTO claim (key, request, job, hold, claimed_at, answer) VALUES (?, ?, ?, ?, ?, ?)',
      ...[key, request, jobId, hold, claimedAt, answer],
    );
  }

  unclaim(jobId: string, hold: number): void {
    this.#sql.exec('DELETE FROM claim WHERE job = ? AND hold = ?', jobId, hold);
  }

  forgetClaims({ withKey, withoutKey }: { readonly withKey: number; readonly withoutKey: number }): void {
    this.#sql.exec('DELETE FROM claim WHERE claimed_at < ?', withKey);
    this.#sql.exec('DELETE FROM claim WHERE claimed_at < ? AND key IS NULL', withoutKey);
  }

  page({ after, limit, order }: PageRequest): JobPage | null {
    const start = after === null ? this.#before(order) : this.#position(after);
    if (start === null) return null;
    const beyond =
      order === 'asc' ? 'position > ? ORDER BY position ASC' : 'position < ? ORDER BY position DESC';
    const rows = this.#sql.exec<{ id: string }>(
      `SELECT id FROM job WHERE ${beyond} LIMIT ?`,
      start,
      limit + 1,
    );
    const ids = rows.toArray().map(({ id }) => id);
    return { jobIds: ids.slice(0, limit), hasMore: ids.length > limit };
  }

  #holds(where: string, ...values: SqlStorageValue[]): Hold[] {
    const rows = this.#sql.exec<HoldRow>(`SELECT * FROM hold ${where}`, ...values).toArray();
    return rows.map((row) => ({
      jobId: row.job,
      hold: row.hold,
      openedAt: row.opened_at,
      isConfirmed: row.is_confirmed === 1,
      captured: row.captured,
      isEnded: row.is_ended === 1,
      price: { frames: row.frames, frameCredits: row.frame_credits },
    }));
  }

  #claims(where: string, ...values: SqlStorageValue[]): Claim[] {
    const rows = this.#sql.exec<ClaimRow>(`SELECT * FROM claim ${where}`, ...values).toArray();
    return rows.map(({ key, request, job, hold, claimed_at, answer }) => ({
      ...{ key, request, jobId: job, hold, claimedAt: claimed_at, answer },
    }));
  }

  #before(order: 'asc' | 'desc'): number {
    return order === 'asc' ? 0 : Number.MAX_SAFE_INTEGER;
  }

  #position(id: string): number | null {
    const row = this.#sql
      .exec<{ position: number }>('SELECT position FROM job WHERE id = ?', id)
      .toArray()[0];
    return row?.position ?? null;
  }
}

interface EntryRow extends Record<string, SqlStorageValue> {
  position: number;
  kind: EntryKind;
  credits: number;
  at: number;
  job: string | null;
  hold: number | null;
  reference: string | null;
  purchased: number;
  available: number;
  held: number;
  spent: number;
}

function entryOf({ job, purchased, available, held, spent, ...row }: EntryRow): PlacedEntry {
  return { ...row, jobId: job, balance: { purchased, available, held, spent } };
}

interface ClaimRow extends Record<string, SqlStorageValue> {
  key: string | null;
  request: string;
  job: string;
  hold: number;
  claimed_at: number;
  answer: string | null;
}

interface HoldRow extends Record<string, SqlStorageValue> {
  job: string;
  hold: number;
  opened_at: number;
  is_confirmed: number;
  captured: number;
  is_ended: number;
  frames: number;
  frame_credits: number;
}
