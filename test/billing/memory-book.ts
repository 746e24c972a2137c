import type { AccountBook, Hold } from '../../src/billing/holds.ts';
import { type Balance, type Entry, emptyBalance } from '../../src/billing/ledger.ts';

/** The storage of an account in memory. */
export class MemoryBook implements AccountBook {
  readonly listed = new Set<string>();
  readonly entries: Entry[] = [];
  readonly #holds = new Map<string, Hold>();

  get holds(): Hold[] {
    return [...this.#holds.values()];
  }

  hold(jobId: string, hold: number): Hold | null {
    return this.#holds.get(`${jobId} ${hold}`) ?? null;
  }

  nextHold(jobId: string): number {
    const numbers = this.holds.filter((known) => known.jobId === jobId).map(({ hold }) => hold + 1);
    return Math.max(this.listed.has(jobId) ? 1 : 0, ...numbers);
  }

  unfinished(): number {
    return this.holds.filter(({ isEnded }) => !isEnded).length;
  }

  unconfirmed(): Hold[] {
    return this.holds.filter(({ isConfirmed }) => !isConfirmed);
  }

  write(hold: Hold): void {
    this.#holds.set(`${hold.jobId} ${hold.hold}`, hold);
  }

  list(jobId: string): void {
    this.listed.add(jobId);
  }

  unlist(jobId: string): void {
    this.listed.delete(jobId);
  }

  balance(): Balance {
    return this.entries.at(-1)?.balance ?? emptyBalance;
  }

  append(entry: Entry): void {
    this.entries.push(entry);
  }

  topup(reference: string): number | null {
    return this.entries.find((entry) => entry.reference === reference)?.credits ?? null;
  }
}
