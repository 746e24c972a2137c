import type { PaymentState, PendingPayment } from '../billing/payment-book.ts';
import { Authorization } from '../contract/payment.ts';
import { migrate } from './schema-version.ts';

const migrations: readonly string[] = [
  `CREATE TABLE payment (
     id TEXT PRIMARY KEY, state TEXT NOT NULL, asset TEXT NOT NULL, account TEXT NOT NULL, credits INTEGER NOT NULL,
     block_number INTEGER NOT NULL, begun_at INTEGER NOT NULL, authorization TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX pending ON payment (begun_at) WHERE state = 'pending';`,
];

/** The SQL of one part of the book of payments. */
export class PaymentStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    migrate(storage, migrations);
  }

  /** Null for a payment that was never begun. */
  state(id: string): PaymentState | null {
    const rows = this.#sql.exec<{ state: PaymentState }>('SELECT state FROM payment WHERE id = ?', id);
    return rows.toArray()[0]?.state ?? null;
  }

  insert({ id, asset, account, credits, blockNumber, begunAt, authorization }: PendingPayment): void {
    this.#sql.exec(
      "INSERT INTO payment VALUES (?, 'pending', ?, ?, ?, ?, ?, ?)",
      ...[id, asset, account, credits, blockNumber, begunAt, JSON.stringify(authorization)],
    );
  }

  /** A payment ends once. */
  end(id: string, state: PaymentState): void {
    this.#sql.exec("UPDATE payment SET state = ? WHERE id = ? AND state = 'pending'", state, id);
  }

  /** Those that have not ended, the oldest first. */
  pending(limit: number): PendingPayment[] {
    const query = "SELECT * FROM payment WHERE state = 'pending' ORDER BY begun_at LIMIT ?";
    return this.#sql
      .exec<PaymentRow>(query, limit)
      .toArray()
      .map(({ block_number, begun_at, authorization, state: _, ...row }) => ({
        ...row,
        blockNumber: block_number,
        begunAt: begun_at,
        authorization: Authorization.parse(JSON.parse(authorization)),
      }));
  }
}

interface PaymentRow extends Record<string, SqlStorageValue> {
  id: string;
  state: string;
  asset: string;
  account: string;
  credits: number;
  block_number: number;
  begun_at: number;
  authorization: string;
}
