import { type Hold, settleHolds } from '../../src/job/account-core.ts';
import type { SettlementMessage } from '../../src/job/wake-protocol.ts';

/** An account in memory that notes what a job tells it. */
export class MemoryAccount {
  readonly heard: SettlementMessage[] = [];
  isUnreachable = false;
  isListed = true;
  readonly #holds = new Map<number, Hold>();
  readonly #book: Parameters<typeof settleHolds>[0] = {
    hold: (_, hold) => this.hold(hold),
    write: (hold) => void this.#holds.set(hold.hold, hold),
    unlist: () => {
      this.isListed = false;
    },
  };

  settle(message: SettlementMessage): void {
    if (this.isUnreachable) throw new Error('the account is not there');
    this.heard.push(message);
    settleHolds(this.#book, 'job', message, 0);
  }

  hold(hold: number): Hold | null {
    return this.#holds.get(hold) ?? null;
  }
}
