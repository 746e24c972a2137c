import { DurableObject } from 'cloudflare:workers';
import { confirmHold, type Hold, nextSweep, openHold, overdueHolds, settleHolds } from './account-core.ts';
import { AccountStore, type JobPage } from './account-store.ts';
import type { PageRequest } from './job-directory.ts';
import type { Order } from './job-record.ts';
import type { SettlementMessage } from './wake-protocol.ts';

/** Name of the only account there is so far. */
export const localAccount = 'local';

/** What an account takes from outside. */
export interface AccountSurroundings {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Holds that may be unfinished at a time. */
  readonly unfinishedVideos: number;
  /** Whether a job goes, or ever went, by a hold; false where there is no such job. */
  readonly knowsHold: (jobId: string, hold: number) => Promise<boolean>;
}

/** What belongs to one account: the list of its jobs, and what was made for each order. */
export abstract class AccountObject<Env = unknown> extends DurableObject<Env> {
  readonly #store: AccountStore;

  protected abstract surroundings(): AccountSurroundings;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#store = new AccountStore(context.storage);
    void context.blockConcurrencyWhile(() => this.#arm());
  }

  /** Opens a hold for an order, or says why there is none. The first hold of a job lists it, too. */
  async open(jobId: string): Promise<Order | 'concurrency_limit'> {
    const { clock, unfinishedVideos } = this.surroundings();
    const opened = openHold(this.#store, { jobId, now: clock(), maximum: unfinishedVideos });
    if (opened === 'concurrency_limit') return opened;
    const { hold, openedAt } = opened;
    if (hold === 0) this.#store.list(jobId);
    await this.#arm();
    return { hold, openedAt };
  }

  /** Ends a hold whose order came to nothing. */
  async drop(jobId: string, hold: number): Promise<void> {
    confirmHold(this.#store, { jobId, hold }, false);
  }

  /** Notes what a job has made. */
  async settle(jobId: string, message: SettlementMessage): Promise<void> {
    settleHolds(this.#store, jobId, message, this.surroundings().clock());
  }

  /** One page of job ids in the order of creation or its reverse; null where `after` is not a job of the account. */
  async page(request: PageRequest): Promise<JobPage | null> {
    return this.#store.page(request);
  }

  /** A hold as it stands, or null. */
  async hold(jobId: string, hold: number): Promise<Hold | null> {
    return this.#store.hold(jobId, hold);
  }

  /**
   * Looks for holds whose jobs never came to be.
   * @throws where a job does not answer, after all others were asked: the platform then tries again
   */
  override async alarm(): Promise<void> {
    const { clock, knowsHold } = this.surroundings();
    const asked = overdueHolds(this.#store, clock()).map(async (hold) =>
      confirmHold(this.#store, hold, await knowsHold(hold.jobId, hold.hold)),
    );
    const failed = (await Promise.allSettled(asked)).filter((answer) => answer.status === 'rejected');
    const reasons = failed.map(({ reason }) => reason);
    if (reasons.length > 0) throw new AggregateError(reasons, 'jobs do not say whether they know a hold');
    await this.#arm();
  }

  /** The alarm is when the next hold has to be looked into, whatever became of the one that was set for it. */
  async #arm(): Promise<void> {
    const next = nextSweep(this.#store);
    if (next !== null && (await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(next);
  }
}
