import type { Recalled, Ticket } from '../../src/billing/claims.ts';
import type { SimulatedAccount } from './simulated-account.ts';
import type { SimulatedJob } from './simulated-job.ts';
import { must } from './violation.ts';
import type { World } from './world.ts';

/** Carries an order out; with a ticket, what it is answered with has to be noted. */
export type Attempt = (ticket: Ticket | null) => void;

/** Orders under keys, sent again and again: each of the calls is made as orderResponse and knownOrders make it. */
export class SimulatedOrders {
  readonly #world: World;
  readonly #account: SimulatedAccount;
  readonly #jobs: ReadonlyMap<string, SimulatedJob>;
  /** What every key was first answered with. */
  readonly #answers = new Map<string, string>();
  #keys = 0;

  constructor(world: World, account: SimulatedAccount, jobs: ReadonlyMap<string, SimulatedJob>) {
    this.#world = world;
    this.#account = account;
    this.#jobs = jobs;
  }

  /** Orders, half the time under a key and then perhaps again, at the same time or later. */
  place(attempt: Attempt): void {
    const { moneyRandom: random } = this.#world;
    if (random.chance(0.5)) {
      attempt(null);
      return;
    }
    const key = `key ${this.#keys++}`;
    const ticket = { key, request: key, isRepeated: false };
    attempt(ticket);
    for (let repeats = random.below(4); repeats > 0; repeats--)
      this.#world.at(random.below(random.pick([5, 300, 3000, 90_000])), () => this.#again(ticket, attempt));
  }

  /** The order is carried out: notes its answer, and gives what is noted. */
  carriedOut(ticket: Ticket | null, jobId: string, hold: number): void {
    if (ticket === null || ticket.key === null) return;
    const { key } = ticket;
    const answer = `hold ${hold} of ${jobId} at ${this.#world.now}`;
    if (this.#world.variant.answersUnnoted) this.#answered(key, answer);
    this.#world.call(
      this.#account,
      () => this.#account.noteAnswer({ key, jobId, hold }, answer),
      (noted) => this.#answered(key, noted),
    );
  }

  #again(ticket: Ticket, attempt: Attempt): void {
    this.#world.call(
      this.#account,
      () => this.#account.recall(ticket),
      (known) => {
        if (known === null) attempt(ticket);
        else if (known.state === 'answered') this.#answered(ticket.key as string, known.answer);
        else if (known.state === 'pending') this.#askJob(known, ticket, attempt);
      },
    );
  }

  #askJob(
    { jobId, hold, isUsed, isGivenUp }: Extract<Recalled, { state: 'pending' }>,
    ticket: Ticket,
    attempt: Attempt,
  ): void {
    const job = this.#jobs.get(jobId) as SimulatedJob;
    this.#world.call(
      job,
      () => (isUsed || job.knowsHold(hold) ? (job.view() ?? 'removed') : null),
      (view) => {
        if (view === 'removed') return;
        if (view !== null) this.carriedOut(ticket, jobId, hold);
        else if (isGivenUp || this.#world.variant.givesUpAtOnce)
          this.#world.call(
            this.#account,
            () => this.#account.drop(jobId, hold),
            () => attempt(ticket),
          );
      },
    );
  }

  #answered(key: string, answer: string): void {
    const first = this.#answers.get(key) ?? answer;
    must(first === answer, () => `${key}: answered with ${answer} after ${first}`);
    this.#answers.set(key, answer);
  }
}
