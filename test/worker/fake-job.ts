import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { localAccount } from '../../src/contract/access.ts';
import type { JobSpec } from '../../src/contract/job.ts';
import { passesPerFrame } from '../../src/engine/partial-frame.ts';
import type { Command, Source } from '../../src/job/job-directory.ts';
import { type JobConnections, JobObject } from '../../src/job/job-object.ts';
import type { FrameCommit, JobRecord } from '../../src/job/job-record.ts';
import { newJobPrice } from '../../src/job/order-price.ts';
import { SqlJobStore } from '../../src/job/sql-job-store.ts';
import type { JobSurroundings } from '../../src/job/wake-driver.ts';
import type { Fetch } from '../../src/outbound/public-fetch.ts';
import { sampleManifest } from '../contract/sample-manifest.ts';
import { samplePrice, sampleRecord } from '../job/sample-record.ts';
import { FakeIsolate, frameMultiplyAdds } from './fake-isolate.ts';
import { heldStorage, type StorageHold } from './held-storage.ts';
import { MemoryAccount } from './memory-account.ts';

export const sampleSpec: JobSpec = sampleRecord.spec;

/** What a job is created with, but for what all tests have in common. */
export interface FakeOrder extends Partial<JobSpec> {
  readonly seed?: number;
  readonly firstFrame?: Uint8Array;
  readonly source?: Source;
  readonly webhookUrl?: string;
}

type Extend = Extract<Command, { kind: 'extend' }>;

/** What an owner commands; an extension costs what the frames before did. */
export type FakeCommand = Exclude<Command, Extend> | Omit<Extend, 'frameCredits'>;

/** A video as its storage has it. */
export interface MadeVideo {
  readonly job: JobRecord;
  readonly frames: readonly FrameCommit[];
}

interface HeldEnv {
  readonly surroundings: JobSurroundings;
  readonly connections: JobConnections;
}

/** The real object of a job in an isolate of the test's. */
class HeldJobObject extends JobObject<HeldEnv> {
  protected override surroundings(): JobSurroundings {
    return this.env.surroundings;
  }

  protected override connections(): HeldEnv['connections'] {
    return this.env.connections;
  }
}

/** The cost of frame 0, where it is drawn: it follows the passes of the backbone. */
function firstFrameCost({ decodeSteps, firstFrameSampling }: JobSpec): number {
  const [first, other] = [firstFrameSampling.decodeSteps, decodeSteps].map((steps) =>
    passesPerFrame(steps, sampleManifest.tokenizer.tokens),
  ) as [number, number];
  return (frameMultiplyAdds * first) / other;
}

/** A job in a real object's storage, woken by hand: its alarm is a number here. */
export class FakeJob implements StorageHold {
  alarm: number | null = null;
  readonly journal: string[] = [];
  onStatement: (query: string) => void = () => undefined;
  onSync: () => void = () => undefined;
  readonly account = new MemoryAccount();
  /** What is behind the URLs of strangers. */
  fetch: Fetch = () => Promise.reject(new Error('nobody is there'));
  secrets = [`whsec_${'A'.repeat(43)}=`];
  /** Videos that this one can be a fork of, by their public ids. */
  readonly sources = new Map<string, readonly FrameCommit[]>();
  readonly storage: DurableObjectStorage;
  readonly #state: DurableObjectState;
  #object: HeldJobObject | undefined;
  #isolate: FakeIsolate | undefined;

  constructor(state: DurableObjectState) {
    this.storage = heldStorage(state.storage, this);
    this.#state = Object.create(state, {
      storage: { value: this.storage },
      blockConcurrencyWhile: { value: (work: () => unknown) => work() },
    });
  }

  /** The object in an isolate; another isolate is another object over the same storage. */
  async in(isolate: FakeIsolate): Promise<HeldJobObject> {
    if (this.#object === undefined || this.#isolate !== isolate) {
      this.#isolate = isolate;
      this.#object = new HeldJobObject(this.#state, {
        surroundings: isolate.surroundings,
        connections: {
          id: 'video_0123',
          fetch: (url, init) => this.fetch(url, init),
          secrets: async () => this.secrets,
          settle: async (message) => this.account.settle(message),
          sharedFrames: async (id, from, count) => this.sources.get(id)?.slice(from, from + count) ?? null,
        },
      });
      // The constructor looks at the alarm, which takes a turn of the event loop.
      await scheduler.wait(0);
    }
    return this.#object;
  }

  /** The object is made anew, and with it what the isolate remembers of its video. */
  async evict(isolate: FakeIsolate): Promise<HeldJobObject> {
    isolate.forget();
    this.#object = undefined;
    return this.in(isolate);
  }

  async create(isolate: FakeIsolate, order: FakeOrder = {}): Promise<void> {
    const { seed, firstFrame = null, source = null, webhookUrl, ...changes } = order;
    const legs = seed === undefined ? {} : { legs: [{ from: 0, seed, interval: 1 }] };
    const { decodeSteps, headSteps, temperature } = { ...sampleSpec, ...changes };
    const firstFrameSampling = { decodeSteps, headSteps, temperature };
    const spec = { ...sampleSpec, ...legs, firstFrameSampling, ...changes };
    const object = await this.in(isolate);
    const cost = { frameMultiplyAdds, firstFrameMultiplyAdds: firstFrameCost(spec) };
    const { frameCredits } = samplePrice;
    const bound = { account: localAccount, build: 'build-1' };
    const job = { ...bound, spec, ...cost, frameCredits, firstFrame, source, webhookUrl };
    await object.create(job, { hold: 0, openedAt: isolate.now, price: newJobPrice(job) });
  }

  /** What the owner commands, with the hold that it needs. */
  async command(isolate: FakeIsolate, command: FakeCommand) {
    const object = await this.in(isolate);
    if (command.kind !== 'extend') return object.command(localAccount, command);
    const price = { ...samplePrice, frames: command.frames - command.from };
    const order = { hold: (this.store.job()?.hold ?? 0) + 1, openedAt: isolate.now, price };
    return object.command(localAccount, { ...command, order });
  }

  /** One alarm run. */
  async wake(isolate: FakeIsolate): Promise<void> {
    const object = await this.in(isolate);
    this.alarm = null;
    await object.alarm();
  }

  /** Wakes the job whenever it wants to be, until it rests; returns how often. */
  async run(
    isolate: FakeIsolate,
    between: () => Promise<unknown> | unknown = () => undefined,
  ): Promise<number> {
    let wakes = 0;
    for (; this.alarm !== null && this.alarm !== this.store.job()?.expiresAt; wakes++) {
      if (wakes === 1000) throw new Error('the job never ends');
      isolate.now = Math.max(isolate.now, this.alarm);
      await this.wake(isolate);
      await between();
    }
    return wakes;
  }

  /** What is stored, read anew. */
  get store(): SqlJobStore {
    return new SqlJobStore(this.storage);
  }

  /** The job; it must be there. */
  get record(): JobRecord {
    const job = this.store.job();
    if (job === null) throw new Error('there is no job');
    return job;
  }

  /** Frames whose K and V are stored. */
  storedCaches(): number[] {
    const rows = this.storage.sql.exec<{ frame: number }>(
      'SELECT DISTINCT frame FROM key_value ORDER BY frame',
    );
    return rows.toArray().map(({ frame }) => frame);
  }

  /** Frames and latents, in the form that a fork copies. */
  frames(): FrameCommit[] {
    const { store } = this;
    const stored = store.frames(0, 100_000);
    return stored.map(({ index, png }) => ({ index, png, latents: store.latents(index) }));
  }

  /** SHA-256 over all frames and latents. */
  videoHash(): Promise<string> {
    return videoHash(this.frames());
  }
}

/** SHA-256 over frames and latents. */
export async function videoHash(frames: readonly FrameCommit[]): Promise<string> {
  const parts = frames.flatMap(({ png, latents }) => [png, latents]);
  const digest = await crypto.subtle.digest(
    'SHA-256',
    await new Blob(parts as (Uint8Array | Float32Array)[]).arrayBuffer(),
  );
  return new Uint8Array(digest).toHex();
}

/** Runs a test over the storage of a fresh object. */
export function inObject<T>(test: (job: FakeJob) => Promise<T>): Promise<T> {
  const stub = env.JOBS.get(env.JOBS.newUniqueId());
  return runInDurableObject(stub, (_, state) => test(new FakeJob(state)));
}

/** The video of an uninterrupted run. */
export function calmVideo(
  order: FakeOrder = {},
  sources: FakeJob['sources'] = new Map(),
): Promise<MadeVideo> {
  return inObject(async (job) => {
    const isolate = new FakeIsolate(100_000);
    for (const [id, frames] of sources) job.sources.set(id, frames);
    await job.create(isolate, order);
    await job.run(isolate);
    return { job: job.record, frames: job.frames() };
  });
}

/** The hash of the video of an uninterrupted run. */
export async function calmHash(order: FakeOrder = {}): Promise<string> {
  return videoHash((await calmVideo(order)).frames);
}
