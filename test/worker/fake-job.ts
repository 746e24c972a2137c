import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { limits } from '../../src/contract/config.ts';
import type { JobSpec } from '../../src/contract/job.ts';
import { JobStore } from '../../src/job/job-store.ts';
import { PastCache } from '../../src/job/past-cache.ts';
import { Turns } from '../../src/job/turns.ts';
import { type JobSurroundings, runWake } from '../../src/job/wake-loop.ts';
import { sampleManifest } from '../contract/sample-manifest.ts';
import { FakeBackend } from './fake-backend.ts';

/** What one frame of the tests costs; with this speed, it lasts a second. */
const frameMultiplyAdds = 1000;

export const sampleSpec: JobSpec = {
  model: 'sample',
  width: sampleManifest.frame.width,
  height: sampleManifest.frame.height,
  framesPerSecond: 8,
  frames: 9,
  interval: 1,
  seed: 7,
  decodeSteps: 2,
  headSteps: 3,
  temperature: 1,
  palette: 'first_frame',
  labels: [{ from: 3, label: 'jump' }],
  metadata: {},
};

/** What the jobs of an isolate share; a new one is a new isolate. Its clock moves only by hand. */
export class FakeIsolate {
  readonly backend = new FakeBackend();
  readonly surroundings: JobSurroundings;
  now = 1_000_000;

  /** @param framesPerWake how many frames a wake's CPU time holds */
  constructor(framesPerWake: number) {
    this.surroundings = {
      backend: this.backend,
      speed: { multiplyAddsPerSecond: frameMultiplyAdds, wakeSeconds: framesPerWake },
      pasts: new PastCache(limits.pastCacheBytes),
      turns: new Turns(),
      clock: () => this.now,
    };
  }
}

/** A job in a real object's storage, woken by hand: its alarm is a number here. */
export class FakeJob {
  /** When the job wants to be woken; null = never. */
  alarm: number | null = null;
  /** What happened to storage, in order. */
  readonly journal: string[] = [];
  isRemoved = false;
  readonly store: JobStore;
  readonly storage: DurableObjectStorage;
  readonly #id: string;

  constructor(storage: DurableObjectStorage, id = 'job') {
    this.storage = storage;
    this.store = new JobStore(storage);
    this.#id = id;
  }

  create(changes: Partial<JobSpec> = {}, firstFrame: Uint8Array | null = null): void {
    const times = { createdAt: 1_000_000, leaseUntil: 1_002_000 };
    this.store.create(
      { spec: { ...sampleSpec, ...changes }, build: 'build-1', frameMultiplyAdds, ...times },
      firstFrame,
    );
    this.alarm = 1_000_000;
  }

  /** One alarm run. */
  async wake(isolate: FakeIsolate): Promise<void> {
    this.alarm = null;
    await runWake(
      {
        id: this.#id,
        store: this.store,
        isRemoved: () => this.isRemoved,
        storage: {
          setAlarm: async (time) => {
            this.alarm = Number(time);
            this.journal.push('alarm');
          },
          deleteAlarm: async () => {
            this.alarm = null;
            this.journal.push('no alarm');
          },
          sync: async () => {
            this.journal.push(`sync after attempt ${this.store.job()?.attempts}`);
          },
        },
      },
      isolate.surroundings,
    );
  }

  /** Wakes the job whenever it wants to be, until it wants no more; returns how often. */
  async run(isolate: FakeIsolate, between: () => void = () => undefined): Promise<number> {
    let wakes = 0;
    for (; this.alarm !== null; wakes++) {
      if (wakes === 1000) throw new Error('the job never ends');
      isolate.now = Math.max(isolate.now, this.alarm);
      await this.wake(isolate);
      between();
    }
    return wakes;
  }

  /** Frames whose K and V are stored. */
  storedKeyValues(): number[] {
    const rows = this.storage.sql.exec<{ frame: number }>(
      'SELECT DISTINCT frame FROM key_value ORDER BY frame',
    );
    return rows.toArray().map(({ frame }) => frame);
  }

  /** SHA-256 over all frames and latents. */
  async videoHash(): Promise<string> {
    const rows = this.storage.sql.exec<{ png: ArrayBuffer; latents: ArrayBuffer }>(
      'SELECT * FROM frame ORDER BY frame',
    );
    const parts = rows.toArray().flatMap(({ png, latents }) => [png, latents]);
    const digest = await crypto.subtle.digest('SHA-256', await new Blob(parts).arrayBuffer());
    return new Uint8Array(digest).toHex();
  }
}

/** Runs a test inside a fresh object, for its storage. */
export function inObject<T>(test: (storage: DurableObjectStorage) => Promise<T>): Promise<T> {
  const stub = env.JOBS.get(env.JOBS.newUniqueId());
  return runInDurableObject(stub, (_, state) => test(state.storage));
}
