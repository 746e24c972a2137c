import { DurableObject } from 'cloudflare:workers';
import type { AccountLedger, EntryPage, EntryPageRequest } from '../billing/account-ledger.ts';
import { claimHold, noteAnswer, type Recalled, recalled, type Ticket } from '../billing/claims.ts';
import {
  confirmHold,
  type Hold,
  type HoldRefusal,
  nextSweep,
  overdueHolds,
  settleHolds,
} from '../billing/holds.ts';
import { type Balance, type TopupOutcome, topUp } from '../billing/ledger.ts';
import type { Price } from '../billing/price.ts';
import type { WebhookSecret } from '../contract/webhook.ts';
import { AccountStore, type JobPage } from './account-store.ts';
import type { PageRequest } from './job-directory.ts';
import type { Order } from './job-record.ts';
import type { SettlementMessage } from './wake-protocol.ts';
import { WebhookSecretStore } from './webhook-secret-store.ts';

/** What an account takes from outside. */
export interface AccountSurroundings {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Holds that may be unfinished at a time. */
  readonly unfinishedVideos: number;
  /** Credits that an account is given once; 0 = none. */
  readonly startingCredits: number;
  /** Whether a job goes, or ever went, by a hold; false where there is no such job. */
  readonly knowsHold: (jobId: string, hold: number) => Promise<boolean>;
}

/** Under which reference an account is given its first credits. */
const startingReference = 'starting credits';

/** What belongs to one account: the list of its jobs, what was made for each order, and its credits. */
export abstract class AccountObject<Env = unknown> extends DurableObject<Env> implements AccountLedger {
  readonly #store: AccountStore;
  readonly #webhookSecrets: WebhookSecretStore;

  protected abstract surroundings(): AccountSurroundings;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#store = new AccountStore(context.storage);
    this.#webhookSecrets = new WebhookSecretStore(context.storage.sql);
    void context.blockConcurrencyWhile(() => this.#arm());
  }

  /**
   * Opens a hold for an order, or says why there is none. The first hold of a job lists it, too.
   * @param ticket null where the order shall not be known again
   */
  async open(
    jobId: string,
    price: Price,
    ticket: Ticket | null = null,
  ): Promise<Order | HoldRefusal | { readonly refused: 'claimed' }> {
    const { clock, unfinishedVideos } = this.surroundings();
    const request = { jobId, price, now: clock(), maximum: unfinishedVideos };
    const opened = this.#atOnce(() => {
      this.#start();
      const hold = claimHold(this.#store, request, ticket);
      if (!('refused' in hold) && hold.hold === 0) this.#store.list(jobId);
      return hold;
    });
    if ('refused' in opened) return opened;
    await this.#arm();
    return { hold: opened.hold, openedAt: opened.openedAt, price: opened.price };
  }

  /** What is known of an order that may have been sent before; null where it has to be carried out. */
  async recall(ticket: Ticket): Promise<Recalled | null> {
    return recalled(this.#store, ticket, this.surroundings().clock());
  }

  /** Notes what an order under a key is answered with; returns what was noted first. */
  async noteAnswer(order: { key: string; jobId: string; hold: number }, answer: string): Promise<string> {
    return this.#atOnce(() => noteAnswer(this.#store, order, answer));
  }

  /** Ends a hold whose order came to nothing. */
  async drop(jobId: string, hold: number): Promise<void> {
    const { clock } = this.surroundings();
    this.#atOnce(() => confirmHold(this.#store, { jobId, hold }, false, clock()));
  }

  /** Notes what a job has made. */
  async settle(jobId: string, message: SettlementMessage): Promise<void> {
    const { clock } = this.surroundings();
    this.#atOnce(() => settleHolds(this.#store, jobId, message, clock()));
  }

  /** One page of job ids in the order of creation or its reverse; null where `after` is not a job of the account. */
  async page(request: PageRequest): Promise<JobPage | null> {
    return this.#store.page(request);
  }

  async balance(): Promise<Balance> {
    this.#atOnce(() => this.#start());
    return this.#store.balance();
  }

  /** Adds credits that came in under a reference, once, however often it is told of them. */
  async credit(reference: string, credits: number): Promise<TopupOutcome> {
    const { clock } = this.surroundings();
    return this.#atOnce(() => {
      this.#start();
      return topUp(this.#store, { reference, credits, now: clock() });
    });
  }

  /** What the account's webhooks are signed with. */
  async webhookSecret(): Promise<WebhookSecret> {
    return this.#webhookSecrets.current(this.surroundings().clock());
  }

  async rotateWebhookSecret(): Promise<WebhookSecret> {
    return this.#webhookSecrets.rotate(this.surroundings().clock());
  }

  /** All secrets that sign now, newest first. */
  async signingSecrets(): Promise<string[]> {
    return this.#webhookSecrets.signing(this.surroundings().clock());
  }

  /** One page of the ledger in its order or the reverse. */
  async entries(request: EntryPageRequest): Promise<EntryPage> {
    this.#atOnce(() => this.#start());
    return this.#store.entries(request);
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
      this.#confirm(hold, await knowsHold(hold.jobId, hold.hold)),
    );
    const failed = (await Promise.allSettled(asked)).filter((answer) => answer.status === 'rejected');
    const reasons = failed.map(({ reason }) => reason);
    if (reasons.length > 0) throw new AggregateError(reasons, 'jobs do not say whether they know a hold');
    await this.#arm();
  }

  #confirm(hold: Hold, isUsed: boolean): void {
    const { clock } = this.surroundings();
    this.#atOnce(() => confirmHold(this.#store, hold, isUsed, clock()));
  }

  /** The first credits of an account that has had none. */
  #start(): void {
    const { clock, startingCredits: credits } = this.surroundings();
    if (credits > 0) topUp(this.#store, { reference: startingReference, credits, now: clock() });
  }

  /** All that the ledger's rules write is there together, or none of it. */
  #atOnce<T>(change: () => T): T {
    return this.ctx.storage.transactionSync(change);
  }

  /** The alarm is when the next hold has to be looked into, whatever became of the one that was set for it. */
  async #arm(): Promise<void> {
    const next = nextSweep(this.#store);
    if (next !== null && (await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(next);
  }
}
