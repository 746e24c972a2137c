import { type Hold, settleHolds } from '../../src/billing/holds.ts';
import type { SettlementMessage } from '../../src/job/wake-protocol.ts';
import { MemoryBook } from '../billing/memory-book.ts';

/** An account in memory that notes what a job tells it. */
export class MemoryAccount {
  readonly heard: SettlementMessage[] = [];
  isUnreachable = false;
  readonly #book = new MemoryBook();

  constructor() {
    this.#book.list('job');
  }

  get isListed(): boolean {
    return this.#book.listed.has('job');
  }

  settle(message: SettlementMessage): void {
    if (this.isUnreachable) throw new Error('the account is not there');
    this.heard.push(message);
    settleHolds(this.#book, 'job', message, 0);
  }

  hold(hold: number): Hold | null {
    return this.#book.hold('job', hold);
  }
}
