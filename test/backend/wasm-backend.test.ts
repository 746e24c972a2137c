import { describe, expect, test } from 'vitest';
import type { Lease, Model } from '../../src/backend/backend.ts';
import { directoryFiles } from '../../src/backend/directory-files.ts';
import type { ModelFiles } from '../../src/backend/model-files.ts';
import { compileRuntime } from '../../src/backend/node-backend.ts';
import { LeaseLost, WasmBackend } from '../../src/backend/wasm-backend.ts';
import type { GeneratedFrame, GenerationPlan } from '../../src/engine/generation.ts';
import type { PartialFrame } from '../../src/engine/partial-frame.ts';
import { Past } from '../../src/engine/past.ts';

const LEASE_MS = 1000;
const runtime = await compileRuntime();

/** A backend over models/ with a clock that stands still; `reads` lists the files it read. */
function backendAt(clock: { now: number }, changed: (files: ModelFiles) => ModelFiles = (files) => files) {
  const reads: string[] = [];
  const backend = new WasmBackend({
    runtime: async () => runtime,
    filesOf: (model) => {
      const files = changed(directoryFiles(`models/${model}`));
      return {
        read(name) {
          reads.push(name);
          return files.read(name);
        },
      };
    },
    pause: async () => {},
    now: () => clock.now,
    leaseMs: LEASE_MS,
  });
  return { backend, reads };
}

function acquired({ backend }: { backend: WasmBackend }): Lease {
  const lease = backend.tryAcquire();
  if (!lease) throw new Error('the backend is taken');
  return lease;
}

const plan: GenerationPlan = {
  endFrame: 12,
  legs: [{ from: 0, seed: 11, interval: 1 }],
  labels: [],
  decodeSteps: 3,
  headSteps: 2,
  temperature: 0.7,
  firstFrameSampling: { decodeSteps: 3, headSteps: 2, temperature: 0.7 },
  palette: 'first_frame',
  passes: Number.POSITIVE_INFINITY,
};

const make = (model: Model, past = Past.empty(model.manifest), changes: Partial<GenerationPlan> = {}) =>
  Array.fromAsync(model.generate(past, { ...plan, ...changes }));

const cacheIn = (kept: readonly GeneratedFrame[]) => (index: number) => (kept[index] as GeneratedFrame).cache;

describe('a lease', () => {
  test('is given to one at a time', () => {
    const { backend } = backendAt({ now: 0 });
    const lease = backend.tryAcquire();
    expect(backend.tryAcquire()).toBeUndefined();
    lease?.release();
    expect(backend.tryAcquire()).toBeDefined();
  });

  test('falls to the next who asks when its owner is gone, and a late release frees nothing', () => {
    const clock = { now: 0 };
    const { backend } = backendAt(clock);
    const gone = backend.tryAcquire();
    clock.now = LEASE_MS - 1;
    expect(backend.tryAcquire()).toBeUndefined();
    clock.now = LEASE_MS;
    expect(backend.tryAcquire()).toBeDefined();
    gone?.release();
    expect(backend.tryAcquire()).toBeUndefined();
  });

  test('is renewed by every pass', async () => {
    const clock = { now: 0 };
    const { backend } = backendAt(clock);
    const model = await (backend.tryAcquire() as Lease).open('nano');
    clock.now = LEASE_MS - 1;
    for await (const _ of model.generate(Past.empty(model.manifest), { ...plan, endFrame: 1 })) break;
    clock.now += LEASE_MS - 1;
    expect(backend.tryAcquire()).toBeUndefined();
  });

  test('that was lost stops the generation before its next pass', async () => {
    const clock = { now: 0 };
    const built = backendAt(clock);
    const model = await acquired(built).open('nano');
    const past = Past.empty(model.manifest);
    const stream = model.generate(past, plan);
    await stream.next();
    clock.now = LEASE_MS;
    acquired(built);
    await expect(stream.next()).rejects.toThrow(LeaseLost);
    expect(past.cursor).toBe(1);
  });
});

describe('opening a model', () => {
  test('reads nothing the second time', async () => {
    const built = backendAt({ now: 0 });
    const lease = acquired(built);
    await lease.open('nano');
    const before = built.reads.length;
    await lease.open('nano');
    expect(built.reads.length).toBe(before);
  });

  test('makes room by letting go of the model before, and can go back', async () => {
    const lease = acquired(backendAt({ now: 0 }));
    const [frame] = await make(await lease.open('nano'), undefined, { endFrame: 1 });
    const [exact] = await make(await lease.open('nano/float'), undefined, { endFrame: 1 });
    expect(exact?.latents).not.toEqual(frame?.latents);
    expect(await make(await lease.open('nano'), undefined, { endFrame: 1 })).toEqual([frame]);
  });

  test('succeeds after a failure, once the file is there', async () => {
    let missing = true;
    const built = backendAt({ now: 0 }, (files) => ({
      read: async (name) => (missing && name === 'head-0.bin' ? undefined : files.read(name)),
    }));
    const lease = acquired(built);
    await expect(lease.open('nano')).rejects.toThrow('head-0.bin: missing');
    missing = false;
    expect(await make(await lease.open('nano'), undefined, { endFrame: 1 })).toHaveLength(1);
  });

  test('fails for a lease that was lost while the last graph was loading, and the next one loads anew', async () => {
    let thief: Lease | undefined;
    let now = 0;
    const clock = {
      get now() {
        if (now === 0 && built.reads.at(-1) === 'decoder.onnx') {
          now = LEASE_MS;
          queueMicrotask(() => {
            thief = built.backend.tryAcquire();
          });
          return 0;
        }
        return now;
      },
    };
    const built = backendAt(clock);
    await expect(acquired(built).open('nano')).rejects.toThrow(LeaseLost);
    const before = built.reads.length;
    expect(await make(await (thief as Lease).open('nano'), undefined, { endFrame: 1 })).toHaveLength(1);
    expect(built.reads.length).toBeGreaterThan(before);
  });

  test('gives builds that differ where a weight differs', async () => {
    const { backend } = backendAt({ now: 0 });
    expect(await backend.build('nano')).toMatch(/^[0-9a-f]{64}$/);
    expect(await backend.build('nano')).toBe(await backendAt({ now: 5 }).backend.build('nano'));
    expect(await backend.build('nano/float')).not.toBe(await backend.build('nano'));
  });
});

describe('a video of nano', () => {
  const open = async () => await acquired(backendAt({ now: 0 })).open('nano');

  test('is the same bytes however its frames are cut into chunks', async () => {
    const model = await open();
    const whole = await make(model);
    for (const chunk of [1, 2, 3, 5, 8]) {
      const past = Past.empty(model.manifest);
      const made: GeneratedFrame[] = [];
      while (past.cursor < 12)
        made.push(...(await make(model, past, { endFrame: Math.min(12, past.cursor + chunk) })));
      expect(made).toEqual(whole);
    }
  }, 60_000);

  test('is the same bytes with the cache dropped from memory before every frame', async () => {
    const model = await open();
    const whole = await make(model);
    const made: GeneratedFrame[] = [];
    while (made.length < 12) {
      const first = made[0]?.pixels ?? new Uint8ClampedArray();
      const past = Past.restore(model.manifest, made.length, first, cacheIn(made));
      made.push(...(await make(model, past, { endFrame: made.length + 1 })));
    }
    expect(made).toEqual(whole);
  }, 60_000);

  test('goes on the same from a cache replayed from latents, across a change of leg', async () => {
    const model = await open();
    const legs = [...plan.legs, { from: 14, seed: 12, interval: 3 }];
    const live = Past.empty(model.manifest);
    const whole = await make(model, live, { legs, endFrame: 20 });
    const latentsOf = (index: number) => (whole[index] as GeneratedFrame).latents;
    const first = (whole[0] as GeneratedFrame).pixels;
    const replayed = Past.empty(model.manifest);
    const finished = { ...plan, legs, latentsOf, firstPixels: first };
    await Array.fromAsync(model.replay(replayed, 20, finished));
    expect(replayed.slots).toEqual(live.slots);
    expect(Past.restore(model.manifest, 20, first, cacheIn(whole)).slots).toEqual(live.slots);
    const further = { legs, endFrame: 22 };
    expect(await make(model, replayed, further)).toEqual(await make(model, live, further));
  }, 60_000);

  test('is the same bytes when it stops in mid-frame and goes on', async () => {
    const model = await open();
    const past = Past.empty(model.manifest);
    const made: GeneratedFrame[] = [];
    let partial: PartialFrame | null = null;
    while (past.cursor < 4) {
      const stream = model.generate(past, { ...plan, endFrame: 4, passes: 3, ...(partial && { partial }) });
      let next = await stream.next();
      for (; !next.done; next = await stream.next()) made.push(next.value);
      partial = next.value;
    }
    expect(made).toEqual(await make(model, undefined, { endFrame: 4 }));
  }, 60_000);

  test('starts from a given first frame and keeps it as it is', async () => {
    const model = await open();
    const { width, height } = model.manifest.frame;
    const firstFrame = Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) =>
      i % 4 === 3 ? 255 : (i * 7) % 256,
    );
    const made = await make(model, undefined, { firstFrame, endFrame: 3 });
    const free = await make(model, undefined, { endFrame: 3 });
    expect(made[0]?.pixels).toEqual(firstFrame);
    expect(made[1]?.pixels).not.toEqual(free[1]?.pixels);
  });
});
