import { limits } from '../contract/config.ts';
import type { WebhookSecret } from '../contract/webhook.ts';
import { newWebhookSecret } from '../outbound/webhook-signature.ts';

/** Tables of the store, a migration of the account's. */
export const webhookSecretTable = `CREATE TABLE webhook_secret (
  position INTEGER PRIMARY KEY AUTOINCREMENT, secret TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT;`;

const overlapMilliseconds = limits.webhookSecretOverlapHours * 60 * 60 * 1000;

interface SecretRow extends Record<string, SqlStorageValue> {
  secret: string;
  created_at: number;
}

/** What the webhooks of one account are signed with: one secret, and for a while after a rotation the one before it. */
export class WebhookSecretStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The secret as its owner sees it; made where there is none yet. */
  current(now: number): WebhookSecret {
    const [newest, previous] = this.#rows(now) as [SecretRow, SecretRow?];
    const previousUntil = newest.created_at + overlapMilliseconds;
    return {
      object: 'webhook_secret',
      secret: newest.secret,
      created_at: unixSeconds(newest.created_at),
      previous_until: previous === undefined ? null : unixSeconds(previousUntil),
    };
  }

  /** Makes another secret. The one before signs on for a while; older ones end at once. */
  rotate(now: number): WebhookSecret {
    this.#rows(now);
    this.#make(now);
    return this.current(now);
  }

  /** Newest first. */
  signing(now: number): string[] {
    return this.#rows(now).map(({ secret }) => secret);
  }

  #rows(now: number): SecretRow[] {
    const newestTwo = 'SELECT secret, created_at FROM webhook_secret ORDER BY position DESC LIMIT 2';
    const rows = this.#sql.exec<SecretRow>(newestTwo).toArray();
    const [newest] = rows;
    if (newest !== undefined) return now < newest.created_at + overlapMilliseconds ? rows : [newest];
    this.#make(now);
    return this.#rows(now);
  }

  #make(now: number): void {
    const secret = newWebhookSecret((length) => crypto.getRandomValues(new Uint8Array(length)));
    this.#sql.exec('INSERT INTO webhook_secret (secret, created_at) VALUES (?, ?)', secret, now);
    this.#sql.exec(
      'DELETE FROM webhook_secret WHERE position <= (SELECT max(position) FROM webhook_secret) - 2',
    );
  }
}

function unixSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
