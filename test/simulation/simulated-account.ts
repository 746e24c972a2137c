import { claimHold, noteAnswer, type Recalled, recalled, type Ticket } from '../../src/billing/claims.ts';
import {
  confirmHold,
  type Hold,
  type HoldRefusal,
  nextSweep,
  overdueHolds,
  settleHolds,
} from '../../src/billing/holds.ts';
import { topUp } from '../../src/billing/ledger.ts';
import type { Price } from '../../src/billing/price.ts';
import type { Order } from '../../src/job/job-record.ts';
import { isFinished, isVisible } from '../../src/job/state-table.ts';
import type { SettlementMessage } from '../../src/job/wake-protocol.ts';
import { balanceProblem } from '../billing/ledger-invariants.ts';
import { type AccountState, emptyAccountState, SimulatedAccountBook } from './account-state.ts';
import type { SimulatedJob } from './simulated-job.ts';
import { SimulatedObject } from './simulated-object.ts';
import { must } from './violation.ts';
import type { World } from './world.ts';

export interface AccountLimits {
  /** Holds that may be unfinished at a time. */
  readonly maximum: number;
  readonly startingCredits: number;
}

/** An account: does what AccountObject does, with its book in memory. */
export class SimulatedAccount extends SimulatedObject<AccountState> {
  #checked: object | null = null;
  /** Payments that were told of, by their references. */
  readonly #paid = new Map<string, number>();
  /** The key that each hold was opened under, by job and number; null without one. A crash can lose a hold. */
  readonly #keyed = new Map<
    string,
    { readonly key: string | null; readonly jobId: string; readonly hold: number }
  >();
  readonly #book = new SimulatedAccountBook(this);
  readonly #jobs: ReadonlyMap<string, SimulatedJob>;
  readonly #maximum: number;
  readonly #startingCredits: number;

  constructor(world: World, jobs: ReadonlyMap<string, SimulatedJob>, limits: AccountLimits) {
    super('account', world, emptyAccountState);
    this.#jobs = jobs;
    this.#maximum = limits.maximum;
    this.#startingCredits = limits.startingCredits;
  }

  open(jobId: string, price: Price, ticket: Ticket | null): Order | HoldRefusal | { refused: 'claimed' } {
    this.credit('starting credits', this.#startingCredits);
    const request = { jobId, price, now: this.world.now, maximum: this.#maximum };
    const opened = claimHold(this.#book, request, this.world.variant.forgetsClaims ? null : ticket);
    if ('refused' in opened) {
      this.world.note(this.id, `opens no hold of ${jobId}: ${opened.refused}`);
      return opened;
    }
    const { hold, openedAt } = opened;
    this.world.note(this.id, `opens hold ${hold} of ${jobId}`);
    if (hold === 0) this.#book.list(jobId);
    // The number of a hold that was lost is given again, perhaps to another order.
    this.#keyed.set(`${jobId} ${hold}`, { key: ticket?.key ?? null, jobId, hold });
    this.#arm();
    return { hold, openedAt, price };
  }

  recall(ticket: Ticket): Recalled | null {
    return recalled(this.#book, ticket, this.world.now);
  }

  noteAnswer(order: { key: string; jobId: string; hold: number }, answer: string): string {
    return noteAnswer(this.#book, order, answer);
  }

  credit(reference: string, credits: number): void {
    if (credits === 0) return;
    this.#paid.set(reference, credits);
    const suffix = this.world.variant.forgetsReferences ? ` at ${this.world.now}` : '';
    topUp(this.#book, { reference: reference + suffix, credits, now: this.world.now });
  }

  drop(jobId: string, hold: number): void {
    this.world.note(this.id, `drops hold ${hold} of ${jobId}`);
    confirmHold(this.#book, { jobId, hold }, false, this.world.now);
    this.#checkEnded(jobId, hold);
  }

  settle(job: SimulatedJob, message: SettlementMessage): void {
    const { variant, now } = this.world;
    if (variant.settle !== undefined) variant.settle(this.#book, job.id, message);
    else settleHolds(this.#book, job.id, message, now);
    for (const { hold } of message.settlements) this.#checkHold(job, hold);
  }

  /** Whoever begins or extends a job has opened a hold for it. */
  mustHold(jobId: string, hold: number): void {
    const known = this.#book.hold(jobId, hold);
    must(known !== null && !known.isEnded, () => `${jobId}: begins with hold ${hold}, which is not open`);
  }

  /** What holds once everything has come to rest. */
  checkAtEnd(): void {
    const { holds, listed, balance } = this.state;
    this.#checkKeys();
    let spent = 0;
    for (const { jobId, hold, isEnded, isConfirmed, captured, price } of holds) {
      const job = this.#jobs.get(jobId);
      must(job !== undefined, () => `${jobId}: a hold of nobody`);
      must(isConfirmed, () => `${jobId}: hold ${hold} was never looked into`);
      const status = job.state.job?.status;
      must(isEnded || status === 'paused', () => `${jobId}: hold ${hold} never ends, job is ${status}`);
      const made = job.state.made[hold] ?? 0;
      must(captured === made, () => `${jobId}: hold ${hold} captured ${captured} of ${made} frames`);
      spent += made * price.frameCredits;
    }
    must(balance.spent === spent, () => `account: spent ${balance.spent} for frames that cost ${spent}`);
    for (const [id, { state }] of this.#jobs) {
      const isThere = state.job !== null && isVisible(state.job.status);
      must(listed.includes(id) === isThere, () => `${id}: ${isThere ? 'is not' : 'is still'} listed`);
      for (const { hold } of state.settlements)
        must(this.#book.hold(id, hold) !== null, () => `${id}: hold ${hold} is lost`);
    }
  }

  protected override construct(): void {
    if (!this.world.variant.leavesAlarmLost) this.#arm();
  }

  protected override handleAlarm(): void {
    const early = this.world.variant.sweepsEarlierMs ?? 0;
    this.#probe(overdueHolds(this.#book, this.world.now + early));
  }

  protected override forgetMemory(): void {
    return;
  }

  protected override check(): void {
    const { balance, holds } = this.state;
    if (balance === this.#checked) return;
    this.#checked = balance;
    this.#checkKeys();
    const problem = balanceProblem(balance, holds);
    must(problem === null, () => `account: ${problem}`);
    let paid = 0;
    for (const credits of this.#paid.values()) paid += credits;
    must(balance.purchased <= paid, () => `account: ${balance.purchased} credits came in, ${paid} were paid`);
  }

  /** Asks one job after another; the alarm has failed where one did not answer. */
  #probe([hold, ...rest]: readonly Hold[], isAnswered = true): void {
    const { life } = this;
    if (hold === undefined) {
      if (isAnswered) this.#arm();
      this.handled(isAnswered ? 'done' : 'threw');
      return;
    }
    const job = this.#jobs.get(hold.jobId);
    if (job === undefined) throw new Error(`nobody knows ${hold.jobId}`);
    this.endTurn();
    this.world.call(
      job,
      () => job.knowsHold(hold.hold),
      (isUsed) => {
        if (life !== this.life) return;
        confirmHold(this.#book, hold, isUsed, this.world.now);
        if (!isUsed) this.#checkEnded(hold.jobId, hold.hold);
        this.#probe(rest, isAnswered);
      },
      () => {
        if (life === this.life) this.#probe(rest, false);
      },
    );
  }

  /** A key stands for one job, and for one hold at a time. */
  #checkKeys(): void {
    const ordered = [...this.#keyed.values()].filter(({ key }) => key !== null);
    for (const [key, opened] of Map.groupBy(ordered, (order) => order.key)) {
      const used = opened.filter(({ jobId, hold }) => this.#jobs.get(jobId)?.state.made[hold] !== undefined);
      must(used.length <= 1, () => `${key}: ${used.length} orders are carried out`);
      const open = opened.filter(({ jobId, hold }) => this.#book.hold(jobId, hold)?.isEnded === false);
      must(open.length <= 1, () => `${key}: ${open.length} holds are open`);
    }
  }

  /** A hold that ends without frames is one that its job does not go by. */
  #checkEnded(jobId: string, hold: number): void {
    const job = this.#jobs.get(jobId) as SimulatedJob;
    const isUsed = job.state.settlements.some((settlement) => settlement.hold === hold);
    must(!isUsed, () => `${jobId}: hold ${hold} ends while the job lives on it`);
  }

  /** What the account has of a hold is on the job's disk; it has ended only where no more frames come. */
  #checkHold({ id, stateOnDisk: { job, made } }: SimulatedJob, hold: number): void {
    const known = this.#book.hold(id, hold);
    must(known !== null, () => `${id}: hold ${hold} is not there after it was settled`);
    const { captured, isEnded } = known;
    if (job === null) return;
    must(
      captured <= (made[hold] ?? 0),
      () => `${id}: hold ${hold} captured ${captured} of ${made[hold]} frames`,
    );
    const isOver = job.hold > hold || isFinished(job.status) || !isVisible(job.status);
    must(!isEnded || isOver, () => `${id}: hold ${hold} ended while the job is ${job.status}`);
  }

  #arm(): void {
    const early = this.world.variant.sweepsEarlierMs ?? 0;
    const next = nextSweep(this.#book);
    if (next !== null && this.getAlarm() === null) this.setAlarm(next - early);
  }
}
