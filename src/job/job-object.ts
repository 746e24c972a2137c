import { DurableObject } from 'cloudflare:workers';
import type { StoredFrame } from '../contract/frame.ts';
import type { JobError, JobSpec, JobStatus } from '../contract/job.ts';
import { type JobRecord, JobStore } from './job-store.ts';
import { isRunning } from './state-table.ts';
import { isOverdue, leaseMilliseconds } from './wake.ts';
import { type JobSurroundings, runWake } from './wake-loop.ts';

/** What a job is begun with. */
export interface NewJob {
  readonly spec: JobSpec;
  /** SHA-256 of the model's build. */
  readonly build: string;
  /** What one frame costs to compute. */
  readonly frameMultiplyAdds: number;
  /** PNG in the model's size, or null where the model draws the first frame. */
  readonly firstFrame: Uint8Array | null;
}

/** A job as readers see it. Times are milliseconds since 1970. */
export interface JobView {
  readonly spec: JobSpec;
  readonly status: JobStatus;
  readonly committedFrames: number;
  readonly createdAt: number;
  readonly completedAt: number | null;
  readonly error: JobError | null;
}

/**
 * One video: request, frames, latents, K/V cache and progress. Works by alarms alone; its methods only read and
 * write storage. The composition root says what surrounds it.
 */
export abstract class JobObject<Env = unknown> extends DurableObject<Env> {
  readonly #store: JobStore;
  #isAwake = false;
  #isRemoved = false;

  protected abstract surroundings(): JobSurroundings;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#store = new JobStore(context.storage);
    this.#store.migrate();
    void context.blockConcurrencyWhile(() => this.#rearm());
  }

  /** Begins the job; its first wake comes at once. */
  async create(job: NewJob): Promise<JobView> {
    const now = this.surroundings().clock();
    const times = { createdAt: now, leaseUntil: now + leaseMilliseconds(0) };
    this.#store.create({ ...job, ...times }, job.firstFrame);
    await this.ctx.storage.setAlarm(now);
    return viewOf(this.#store.job() as JobRecord);
  }

  /** The job, or null where there is none. */
  async view(): Promise<JobView | null> {
    const job = await this.#read();
    return job === null ? null : viewOf(job);
  }

  /** Committed frames from `from` on, at most `count`; null where there is no job. */
  async frames(from: number, count: number): Promise<StoredFrame[] | null> {
    const job = await this.#read();
    return job === null ? null : this.#store.frames(from, count);
  }

  /** Removes the job and all its data; false where there is none. */
  async remove(): Promise<boolean> {
    if (this.#store.job() === null) return false;
    this.#isRemoved = true;
    this.surroundings().turns.leave(this.#id);
    this.surroundings().pasts.take(this.#id, -1);
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    return true;
  }

  override async alarm(): Promise<void> {
    this.#isAwake = true;
    try {
      await runWake(
        { id: this.#id, store: this.#store, storage: this.ctx.storage, isRemoved: () => this.#isRemoved },
        this.surroundings(),
      );
    } finally {
      this.#isAwake = false;
    }
  }

  get #id(): string {
    return this.ctx.id.toString();
  }

  /** Reads the job, and wakes it where its alarm has been lost or is late. */
  async #read(): Promise<JobRecord | null> {
    const job = this.#store.job();
    const now = this.surroundings().clock();
    if (job === null || this.#isAwake || !isOverdue(job, now)) return job;
    // An alarm that is due already must not be set again: readers who ask often enough would put it off for ever.
    const alarm = await this.ctx.storage.getAlarm();
    if (alarm === null || alarm > now) await this.ctx.storage.setAlarm(now);
    return job;
  }

  /** A running job without an alarm would sleep for ever. */
  async #rearm(): Promise<void> {
    const job = this.#store.job();
    if (job === null || !isRunning(job.status)) return;
    if ((await this.ctx.storage.getAlarm()) === null)
      await this.ctx.storage.setAlarm(this.surroundings().clock());
  }
}

function viewOf(job: JobRecord): JobView {
  const { spec, status, createdAt, completedAt, error } = job;
  return { spec, status, committedFrames: job.cursor, createdAt, completedAt, error };
}
