import fc from 'fast-check';
import { type Capture, confirmHold, openHold, settleHolds } from '../../src/billing/holds.ts';
import { topUp } from '../../src/billing/ledger.ts';
import type { Price } from '../../src/billing/price.ts';
import { balanceProblem, ledgerProblem } from './ledger-invariants.ts';
import { MemoryBook } from './memory-book.ts';

/** One thing that happens; `which` chooses among what there is then. */
const Happening = fc.oneof(
  fc.record({ kind: fc.constant('topup' as const), which: fc.nat(3) }),
  fc.record({ kind: fc.constant('order' as const), which: fc.nat(2), frames: fc.nat(6), credits: fc.nat(9) }),
  fc.record({
    kind: fc.constant('frames' as const),
    which: fc.nat(),
    frames: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({ kind: fc.constant('end' as const), which: fc.nat() }),
  fc.record({ kind: fc.constant('come to nothing' as const), which: fc.nat() }),
  fc.record({ kind: fc.constant('confirm' as const), which: fc.nat() }),
  fc.record({ kind: fc.constant('message' as const), which: fc.nat() }),
);
type Happening = typeof Happening extends fc.Arbitrary<infer One> ? One : never;

/** What happens, and in which order the last messages arrive. */
export const History = fc.record({
  happenings: fc.array(Happening, { maxLength: 40 }),
  last: fc.infiniteStream(fc.nat()),
});
type History = typeof History extends fc.Arbitrary<infer One> ? One : never;

/** An order as its job knows it: the truth that the account hears of by and by. */
interface Order {
  readonly jobId: string;
  readonly hold: number;
  readonly price: Price;
  committed: number;
  state: 'unused' | 'running' | 'ended' | 'came to nothing';
}

type Settle = typeof settleHolds;

/** Credits of each payment, by its number. */
const payments = [20, 50, 100, 500];

/** An account and the jobs of its orders, of which it hears late, twice, and in any order. */
export class RandomHistory {
  readonly book = new MemoryBook();
  readonly #settle: Settle;
  readonly #orders: Order[] = [];
  readonly #messages: { jobId: string; capture: Capture; isHeard: boolean }[] = [];

  /** @param settle what is tested; a test of the test puts a mistake in its place */
  constructor(settle: Settle = settleHolds) {
    this.#settle = settle;
  }

  /** @throws where an invariant does not hold after something has happened */
  live({ happenings, last }: History): void {
    for (const happening of happenings) {
      this.#happen(happening);
      this.#check(balanceProblem(this.book.balance(), this.book.holds));
    }
    for (const order of this.#orders) this.#end(order);
    for (const order of this.#orders) if (order.state === 'unused') this.#comeToNothing(order);
    for (const which of last) {
      const waiting = this.#messages.filter(({ isHeard }) => !isHeard);
      if (waiting.length === 0) break;
      this.#hear(waiting[which % waiting.length]);
    }
    this.#check(ledgerProblem(this.book.entries, this.book.holds));
    this.#checkEnd();
  }

  #happen(happening: Happening): void {
    const { kind, which } = happening;
    const among = (state: Order['state']) => {
      const orders = this.#orders.filter((order) => order.state === state);
      return orders[which % orders.length];
    };
    if (kind === 'topup')
      topUp(this.book, { reference: `payment ${which}`, credits: payments[which] ?? 0, now: 0 });
    else if (kind === 'order') this.#order(`job ${which}`, happening.frames, happening.credits);
    else if (kind === 'frames') this.#make(among('running') ?? among('unused'), happening.frames);
    else if (kind === 'end') this.#end(among('running'));
    else if (kind === 'come to nothing') this.#comeToNothing(among('unused'));
    else if (kind === 'message') this.#hear(this.#messages[which % this.#messages.length]);
    else this.#confirm(among('running'));
  }

  #order(jobId: string, frames: number, frameCredits: number): void {
    const price = { frames, frameCredits };
    const { available } = this.book.balance();
    const hold = openHold(this.book, { jobId, price, now: 0, maximum: 8 });
    if ('refused' in hold) {
      const isRightly = hold.refused === 'concurrency_limit' || frames * frameCredits > available;
      this.#check(isRightly ? null : `refuses ${frames * frameCredits} of ${available} credits`);
    } else this.#orders.push({ jobId, hold: hold.hold, price, committed: 0, state: 'unused' });
  }

  #make(order: Order | undefined, frames: number): void {
    if (order === undefined) return;
    order.state = 'running';
    order.committed = Math.min(order.price.frames, order.committed + frames);
    if (order.committed === order.price.frames) this.#end(order);
    else this.#tell(order, false);
  }

  #end(order: Order | undefined): void {
    if (order?.state !== 'running') return;
    order.state = 'ended';
    this.#tell(order, true);
  }

  #tell({ jobId, hold, committed }: Order, isFinal: boolean): void {
    this.#messages.push({ jobId, capture: { hold, captured: committed, isFinal }, isHeard: false });
  }

  #comeToNothing(order: Order | undefined): void {
    if (order === undefined) return;
    order.state = 'came to nothing';
    confirmHold(this.book, order, false, 0);
  }

  #confirm(order: Order | undefined): void {
    if (order !== undefined) confirmHold(this.book, order, true, 0);
  }

  #hear(message: { jobId: string; capture: Capture; isHeard: boolean } | undefined): void {
    if (message === undefined) return;
    message.isHeard = true;
    this.#settle(this.book, message.jobId, { settlements: [message.capture], isGone: false }, 0);
  }

  /** Everything has been heard: exactly the frames that were made are paid. */
  #checkEnd(): void {
    const { available, held, spent, purchased } = this.book.balance();
    const made = this.#orders.reduce((sum, { committed, price }) => sum + committed * price.frameCredits, 0);
    this.#check(spent === made ? null : `${spent} credits are spent on frames that cost ${made}`);
    this.#check(held === 0 && available === purchased - made ? null : `${held} credits stay held`);
    for (const { jobId, hold, committed } of this.#orders) {
      const known = this.book.hold(jobId, hold);
      const isExact = known?.isEnded === true && known.captured === committed;
      this.#check(isExact ? null : `hold ${hold} of ${jobId}: ${known?.captured} of ${committed} frames`);
    }
  }

  #check(problem: string | null): void {
    if (problem !== null) throw new Error(problem);
  }
}
