import type { Backend, Lease } from '../backend/backend.ts';
import { ModelFileError } from '../backend/model-files.ts';
import { fault, type Log } from '../contract/log.ts';
import type { Delivery } from '../contract/webhook.ts';
import { type OpenChunk, openChunk } from './chunk.ts';
import { frameMilliseconds, nextFrameMultiplyAdds, type Speed } from './frame-cost.ts';
import type { FrameCommit, JobRecord } from './job-record.ts';
import type { PastCache } from './past-cache.ts';
import type { SqlJobStore } from './sql-job-store.ts';
import { isRunning } from './state-table.ts';
import type { Turns } from './turns.ts';
import { leaseMilliseconds, modelGone, sourceGone } from './wake.ts';
import { type Answers, type Effect, type Piece, type SettlementMessage, wake } from './wake-protocol.ts';
import type { DeliveryAnswer } from './webhook-changes.ts';

/** Frames of a source that are copied in one wake. */
const sharedPageFrames = 64;

/** What the jobs of an isolate share, and what they take from outside. */
export interface JobSurroundings {
  readonly backend: Backend;
  readonly speed: Speed;
  readonly pasts: PastCache;
  readonly turns: Turns;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Milliseconds that a resting video is kept. */
  readonly expiryMs: number;
  readonly log: Log;
  /** Called before everything that a wake does; who tests crashes or measures hooks in here. */
  readonly observe?: (effect: Effect, job: string) => Promise<void> | undefined;
}

/** What a wake touches of its object. */
export interface WakeTarget {
  readonly id: string;
  readonly store: SqlJobStore;
  readonly sync: () => Promise<void>;
  /** Frames of another video with their latents, or null where it is gone. */
  readonly sharedFrames: (id: string, from: number, count: number) => Promise<FrameCommit[] | null>;
  /** Resolves once the account has the message. */
  readonly settle: (message: SettlementMessage) => Promise<void>;
  readonly forget: () => Promise<void>;
  /** One try; never throws. */
  readonly deliver: (url: string, delivery: Delivery) => Promise<DeliveryAnswer>;
}

/**
 * One alarm run: does what the wake protocol asks for. Never throws for a frame that cannot be made.
 * @throws Error where storage refuses a write
 */
export async function runWake(target: WakeTarget, surroundings: JobSurroundings): Promise<void> {
  const driver = new WakeDriver(target, surroundings);
  const { speed, expiryMs, observe } = surroundings;
  const leaseMs = (job: JobRecord) => leaseMilliseconds(frameMilliseconds(nextFrameMultiplyAdds(job), speed));
  const protocol = wake({ leaseMs, expiryMs });
  try {
    let step = protocol.next();
    while (!step.done) {
      const effect = step.value;
      const observed = observe?.(effect, target.id);
      // No await where none is needed: writes of one turn are one transaction.
      if (observed !== undefined) await observed;
      const answer = driver.perform(effect);
      step = protocol.next(answer instanceof Promise ? await answer : answer);
    }
  } finally {
    await driver.end();
  }
}

type Answer<Kind extends Effect['kind']> = Answers[Kind] | Promise<Answers[Kind]>;

/** The real world of a wake protocol. */
class WakeDriver {
  readonly #target: WakeTarget;
  readonly #surroundings: JobSurroundings;
  #lease: Lease | undefined;
  #chunk: OpenChunk | undefined;

  constructor(target: WakeTarget, surroundings: JobSurroundings) {
    this.#target = target;
    this.#surroundings = surroundings;
  }

  perform(effect: Effect): Answer<Effect['kind']> {
    const { store, sync, settle, forget, deliver } = this.#target;
    switch (effect.kind) {
      case 'read':
        return store.job();
      case 'clock':
        return this.#surroundings.clock();
      case 'random':
        return this.#surroundings.random();
      case 'settlement':
        return store.settlement(effect.hold);
      case 'outbox':
        return store.outbox();
      case 'write':
        return store.write(effect.change);
      case 'turn':
        return this.#turn();
      case 'wait':
        return this.#surroundings.sleep(effect.milliseconds).then(() => undefined);
      case 'sync':
        return sync().then(() => undefined);
      case 'compute':
        return this.#attempted(() => this.#compute());
      case 'share':
        return this.#attempted(() => this.#share());
      case 'settle':
        return this.#succeeded(settle(effect.message));
      case 'deliver':
        return deliver(effect.url, effect.delivery);
      case 'forget':
        return forget().then(() => undefined);
    }
  }

  /** Gives back the right to compute; keeps the past in memory for the next wake. */
  async end(): Promise<void> {
    const { store, id } = this.#target;
    if (this.#chunk !== undefined) {
      await this.#chunk.pieces.return();
      const job = store.job();
      const { past } = this.#chunk;
      if (job !== null && isRunning(job.status) && past.cursor === job.pastCursor)
        this.#surroundings.pasts.put(id, past);
    }
    this.#lease?.release();
  }

  #turn(): number {
    const { turns, clock, backend } = this.#surroundings;
    const { id } = this.#target;
    if (turns.isNext(id, clock())) this.#lease = backend.tryAcquire();
    if (this.#lease === undefined) return turns.wait(id, clock());
    turns.leave(id);
    return 0;
  }

  async #compute(): Promise<Piece> {
    this.#chunk ??= await this.#open(this.#job());
    if (this.#chunk === undefined) return { kind: 'impossible', error: modelGone };
    const next = await this.#chunk.pieces.next();
    if (next.done) throw new Error('a wake asks for more than its chunk holds');
    return next.value;
  }

  /** The chunk that begins at the job's cursor; undefined where the job's build is not served any more. */
  async #open(job: JobRecord): Promise<OpenChunk | undefined> {
    const { backend, pasts, speed } = this.#surroundings;
    const { id, store } = this.#target;
    if ((await servedBuild(backend, job.spec.model)) !== job.build) return undefined;
    const model = await (this.#lease as Lease).open(job.spec.model);
    return openChunk(store, job, model, speed, pasts.take(id, job.pastCursor));
  }

  async #share(): Promise<Piece> {
    const { cursor, source } = this.#job();
    if (source === null) throw new Error('a video that is no fork shares no frames');
    const count = Math.min(sharedPageFrames, source.frames - cursor);
    const frames = await this.#target.sharedFrames(source.id, cursor, count);
    const isWhole = frames?.length === count;
    return isWhole ? { kind: 'shared', frames } : { kind: 'impossible', error: sourceGone };
  }

  async #attempted(work: () => Promise<Piece>): Promise<Piece> {
    try {
      return await work();
    } catch (error) {
      this.#log('frame not made', error);
      this.#chunk = undefined;
      return { kind: 'threw' };
    }
  }

  async #succeeded(work: Promise<void>): Promise<boolean> {
    try {
      await work;
      return true;
    } catch (error) {
      this.#log('the account does not answer', error);
      return false;
    }
  }

  #log(what: string, error: unknown): void {
    const { id, store } = this.#target;
    const job = store.job();
    const place = job === null ? {} : { frame: job.cursor, attempt: job.attempts };
    this.#surroundings.log({ level: 'error', event: what, job: id, ...place, ...fault(error) });
  }

  #job(): JobRecord {
    const job = this.#target.store.job();
    if (job === null) throw new Error('the job has been removed');
    return job;
  }
}

/** The build of a model that is served now, or null where it is not served any more. */
async function servedBuild(backend: Backend, model: string): Promise<string | null> {
  try {
    return await backend.build(model);
  } catch (error) {
    if (error instanceof ModelFileError) return null;
    throw error;
  }
}
