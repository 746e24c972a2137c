import type { AccountLedger, EntryPageRequest } from '../../src/billing/account-ledger.ts';
import { topUp } from '../../src/billing/ledger.ts';
import { MemoryBook } from '../billing/memory-book.ts';

/** The credits of an account in memory. */
export class MemoryLedger implements AccountLedger {
  readonly book = new MemoryBook();

  async balance() {
    return this.book.balance();
  }

  async entries({ after, limit, order }: EntryPageRequest) {
    const placed = this.book.entries.map((entry, index) => ({ ...entry, position: index + 1 }));
    if (order === 'desc') placed.reverse();
    const beyond = ({ position }: { position: number }) =>
      after === null || (order === 'asc' ? position > after : position < after);
    const entries = placed.filter(beyond);
    return { entries: entries.slice(0, limit), hasMore: entries.length > limit };
  }

  async credit(reference: string, credits: number) {
    return topUp(this.book, { reference, credits, now: 1_700_000_000_500 });
  }
}
