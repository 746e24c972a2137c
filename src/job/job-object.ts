import { DurableObject } from 'cloudflare:workers';
import { isTooLate } from '../billing/holds.ts';
import { costOf } from '../billing/price.ts';
import type { StoredFrame } from '../contract/frame.ts';
import type { Cost, VideoStatus } from '../contract/job.ts';
import { fault } from '../contract/log.ts';
import type { Fetch } from '../outbound/public-fetch.ts';
import { commanded, gone, type Moment, newRecord, type Refusal } from './job-changes.ts';
import type { JobView, OwnedJob } from './job-directory.ts';
import type { FrameCommit, JobRecord, Order, OrderedCommand } from './job-record.ts';
import { SqlJobStore } from './sql-job-store.ts';
import { isRunning, isVisible } from './state-table.ts';
import { isOverdue } from './wake.ts';
import { type JobSurroundings, runWake, type WakeTarget } from './wake-driver.ts';
import { deliver } from './webhook-delivery.ts';

/**
 * What a job answers: what was asked for, that there is none any more, or null where there never was one for this
 * account.
 */
export type Answer<T> = T | null | 'expired';

/** Frames that one answer holds at most: a listener takes what it can, and asks for more. */
const newsFrames = 16;

/** After storage refused a write, as a full disk does, the job tries again after this time. */
const storageRetryMilliseconds = 5000;

/** What of other objects, and of strangers' hosts, a wake needs. */
export interface JobConnections extends Pick<WakeTarget, 'settle' | 'sharedFrames'> {
  /** Public id of the video. */
  readonly id: string;
  readonly fetch: Fetch;
  /** What the account's webhooks are signed with, newest first. */
  readonly secrets: () => Promise<readonly string[]>;
}

/**
 * One video: request, frames, latents, K/V cache and progress. Works by alarms alone; its methods only read and
 * write storage. The composition root says what surrounds it. To all but its own account it is as if it were not there.
 */
export abstract class JobObject<Env = unknown> extends DurableObject<Env> {
  readonly #store: SqlJobStore;
  readonly #listeners = new Set<() => void>();
  #isAwake = false;
  /** Ends what a wake tries outside once the owner has told the job something. */
  #interruption = new AbortController();

  protected abstract surroundings(): JobSurroundings;

  /** What of other objects a wake needs. */
  protected abstract connections(account: string): JobConnections;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#store = new SqlJobStore(context.storage, () => this.#tell());
    void context.blockConcurrencyWhile(() => this.#rearm());
  }

  /**
   * Begins the job; its first wake comes at once. Beginning it again changes nothing.
   * @param order the hold that pays
   */
  async create(job: OwnedJob, { openedAt, price }: Order): Promise<JobView | 'too_late'> {
    const now = this.surroundings().clock();
    const existing = this.#store.job();
    if (existing === null && isTooLate(openedAt, now)) return 'too_late';
    if (existing === null) this.#store.create(newRecord(job, now), price, job.firstFrame);
    return this.#viewOf(this.#store.job() as JobRecord);
  }

  async view(account: string): Promise<Answer<JobView>> {
    return this.#answer(account, (job) => this.#viewOf(job));
  }

  /** Committed frames from `from` on, at most `count`. */
  async frames(account: string, from: number, count: number): Promise<Answer<StoredFrame[]>> {
    return this.#answer(account, () => this.#store.frames(from, count));
  }

  /** Committed frames with their latents, for a fork. */
  async sharedFrames(account: string, from: number, count: number): Promise<FrameCommit[] | null> {
    const job = this.#store.job();
    if (job === null || job.account !== account || !isVisible(job.status)) return null;
    const frames = this.#store.frames(from, count);
    return frames.map(({ index, png }) => ({ index, png, latents: this.#store.latents(index) }));
  }

  /** What is new; waits for it where there is nothing, see JobDirectory.news. */
  async news(
    account: string,
    from: number,
    known: VideoStatus | null,
    waitMs: number,
  ): Promise<Answer<{ view: JobView; frames: StoredFrame[] }>> {
    const end = Date.now() + waitMs;
    while (true) {
      // Listening begins before reading, so that nothing is written unheard in between.
      const change = this.#nextChange();
      try {
        const news = await this.#answer(account, (job) => ({
          view: this.#viewOf(job),
          frames: this.#store.frames(from, newsFrames),
        }));
        if (news === null || news === 'expired') return news;
        const left = end - Date.now();
        if (news.frames.length > 0 || news.view.status !== known || left <= 0) return news;
        await change.within(left);
      } finally {
        change.end();
      }
    }
  }

  /** Whether the job goes, or ever went, by a hold. */
  async knowsHold(hold: number): Promise<boolean> {
    return this.#store.job() !== null && this.#store.hasSettlement(hold);
  }

  async command(account: string, command: OrderedCommand): Promise<Answer<JobView> | Refusal> {
    return this.#answer(account, (job) => {
      const change = commanded(job, command, this.#moment(job));
      if (change !== null && 'refused' in change) return change.refused;
      if (change !== null) {
        // Its wake, if it waits for its turn, does not come back for it: nobody shall wait behind it.
        this.surroundings().turns.leave(this.#id);
        this.#store.write(change);
        this.#interrupt();
      }
      return this.#viewOf(this.#store.job() as JobRecord);
    });
  }

  /** Deletes the video; false where there is none. What is left goes once the account has heard. */
  async remove(account: string): Promise<boolean> {
    const job = this.#store.job();
    if (job === null || job.account !== account || job.status === 'removed') return false;
    this.surroundings().turns.leave(this.#id);
    this.surroundings().pasts.take(this.#id, -1);
    this.#store.write(gone(job, 'removed', this.#moment(job)));
    this.#interrupt();
    return true;
  }

  override async alarm(): Promise<void> {
    const job = this.#store.job();
    // An alarm may come late, to an object whose job is gone.
    if (job === null) return;
    this.#isAwake = true;
    try {
      await runWake(this.#target(job), this.surroundings());
    } catch (error) {
      const { log, clock } = this.surroundings();
      log({ level: 'error', event: 'storage refuses to write', job: this.#id, ...fault(error) });
      await this.ctx.storage.setAlarm(clock() + storageRetryMilliseconds);
    } finally {
      this.#isAwake = false;
    }
  }

  get #id(): string {
    return this.ctx.id.toString();
  }

  #target({ account }: JobRecord): WakeTarget {
    const { id, settle, sharedFrames, fetch, secrets } = this.connections(account);
    return {
      id: this.#id,
      store: this.#store,
      sync: () => this.ctx.storage.sync(),
      forget: () => this.#store.forget(),
      settle,
      sharedFrames,
      deliver: (url, delivery) => {
        const order = { videoId: id, url, delivery, interruption: this.#interruption.signal };
        const { clock, log } = this.surroundings();
        return deliver(order, { fetch, secrets, clock, log });
      },
    };
  }

  #viewOf(job: JobRecord): JobView {
    return viewOf(job, costOf(this.#store.settlements()));
  }

  #interrupt(): void {
    this.#interruption.abort();
    this.#interruption = new AbortController();
  }

  #moment(job: JobRecord): Moment {
    const { clock, expiryMs } = this.surroundings();
    return { now: clock(), expiryMs, settlement: this.#store.settlement(job.hold) };
  }

  async #answer<T>(account: string, of: (job: JobRecord) => T): Promise<Answer<T>> {
    // A stranger's question does not even wake the job.
    if (this.#store.job()?.account !== account) return null;
    const job = await this.#read();
    if (job === null || job.status === 'removed') return null;
    return job.status === 'expired' ? 'expired' : of(job);
  }

  /** Reads the job, and wakes it where its alarm has been lost or is late. */
  async #read(): Promise<JobRecord | null> {
    const job = this.#store.job();
    const now = this.surroundings().clock();
    if (job === null || this.#isAwake || !isOverdue(job, now)) return job;
    // An alarm that is due already must not be set again: readers who ask often enough would put it off for ever.
    const alarm = await this.ctx.storage.getAlarm();
    if (alarm === null || alarm > now) await this.ctx.storage.setAlarm(now);
    return this.#store.job();
  }

  /** A new object computes nothing: a job that was being made when the old one ended goes on at once. */
  async #rearm(): Promise<void> {
    const job = this.#store.job();
    if (job === null || job.wakeAt === null) return;
    const now = this.surroundings().clock();
    const wakeAt = isRunning(job.status) ? now : job.wakeAt;
    const alarm = await this.ctx.storage.getAlarm();
    if (alarm === null || alarm > wakeAt) await this.ctx.storage.setAlarm(wakeAt);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /** The next change from now on: `within` resolves then, or when its time is over. */
  #nextChange(): { within: (milliseconds: number) => Promise<void>; end: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    this.#listeners.add(resolve);
    return {
      within: (milliseconds) => {
        timer = setTimeout(resolve, milliseconds);
        return promise;
      },
      end: () => {
        clearTimeout(timer);
        this.#listeners.delete(resolve);
      },
    };
  }
}

function viewOf(job: JobRecord, cost: Cost): JobView {
  const { spec, build, source, status, createdAt, completedAt, expiresAt, error, webhookUrl } = job;
  if (!isVisible(status)) throw new Error(`a job that is ${status} shows nothing`);
  return {
    spec,
    build,
    source,
    status,
    committedFrames: job.cursor,
    isFirstGiven: job.isFirstGiven,
    cost,
    createdAt,
    completedAt,
    expiresAt,
    error,
    webhook: webhookUrl === null ? null : { url: webhookUrl, delivery: job.deliveries.at(-1) ?? null },
  };
}
