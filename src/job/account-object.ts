import { DurableObject } from 'cloudflare:workers';
import { type Hold, holdProbed, nextSweep, openHold, overdueHolds, settleHolds } from './account-core.ts';
import { AccountStore, type JobPage } from './account-store.ts';
import type { PageRequest } from './job-directory.ts';
import type { SettlementMessage } from './wake-protocol.ts';

/** Name of the only account there is so far. */
export const localAccount = 'local';

/** What an account takes from outside. */
export interface AccountSurroundings {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Holds that may be unfinished at a time. */
  readonly unfinishedVideos: number;
  /** How many holds a job knows; 0 where there is no such job. */
  readonly knownHolds: (jobId: string) => Promise<number>;
}

/** What belongs to one account: the list of its jobs, and what was made for each order. */
export abstract class AccountObject<Env = unknown> extends DurableObject<Env> {
  readonly #store: AccountStore;

  protected abstract surroundings(): AccountSurroundings;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#store = new AccountStore(context.storage);
  }

  /** Opens a hold for an order; its time, or why there is none. The first hold of a job lists it, too. */
  async open(jobId: string, hold: number): Promise<{ openedAt: number } | 'concurrency_limit'> {
    const { clock, unfinishedVideos } = this.surroundings();
    const now = clock();
    const opened = openHold(this.#store, { jobId, hold, now, maximum: unfinishedVideos });
    if (opened !== 'open') return opened;
    if (hold === 0) this.#store.list(jobId);
    await this.#arm();
    return { openedAt: this.#store.hold(jobId, hold)?.openedAt ?? now };
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

  /** Looks for holds whose jobs never came to be. */
  override async alarm(): Promise<void> {
    const { clock, knownHolds } = this.surroundings();
    for (const hold of overdueHolds(this.#store, clock()))
      holdProbed(this.#store, hold, await knownHolds(hold.jobId));
    await this.#arm();
  }

  async #arm(): Promise<void> {
    const next = nextSweep(this.#store);
    if (next !== null && (await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(next);
  }
}
