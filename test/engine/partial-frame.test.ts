import { describe, expect, test } from 'vitest';
import { type GeneratedFrame, type GenerationPlan, generate } from '../../src/engine/generation.ts';
import { type PartialFrame, passesPerFrame } from '../../src/engine/partial-frame.ts';
import { Past } from '../../src/engine/past.ts';
import { NaiveGraphs, naiveManifest } from './naive-graphs.ts';

const noPause = async () => {};
const firstFrame = Uint8ClampedArray.from({ length: 64 }, (_, i) => (i % 4 === 3 ? 255 : 50 * (i % 5)));

const plan: GenerationPlan = {
  endFrame: 5,
  legs: [
    { from: 0, seed: 7, interval: 1 },
    { from: 3, seed: 8, interval: 2 },
  ],
  labels: [{ from: 2, label: 2 }],
  decodeSteps: 4,
  headSteps: 2,
  temperature: 1,
  firstFrameSampling: { decodeSteps: 4, headSteps: 2, temperature: 1 },
  palette: 'first_frame',
  passes: Number.POSITIVE_INFINITY,
};

/** The frames of one call and what it returns. */
async function call(past: Past, changes: Partial<GenerationPlan> = {}, graphs = new NaiveGraphs()) {
  const made: GeneratedFrame[] = [];
  const stream = generate(graphs, past, { ...plan, ...changes }, noPause);
  let next = await stream.next();
  for (; !next.done; next = await stream.next()) made.push(next.value);
  return { made, rest: next.value };
}

/** A copy through bytes, as storage makes it. */
function stored(partial: PartialFrame | null): Partial<GenerationPlan> {
  return partial ? { partial: { ...partial, latents: partial.latents.slice() } } : {};
}

/** The whole video by calls of so many passes, every one on a past restored from what was kept. */
async function inCallsOf(passes: number, changes: Partial<GenerationPlan>) {
  const made: GeneratedFrame[] = [];
  let rest: PartialFrame | null = null;
  while (made.length < plan.endFrame) {
    const first = made[0]?.pixels ?? new Uint8ClampedArray();
    const cacheOf = (index: number) => (made[index] as GeneratedFrame).cache;
    const past = Past.restore(naiveManifest, made.length, first, cacheOf);
    const graphs = new NaiveGraphs();
    const done = await call(past, { ...changes, ...stored(rest), passes }, graphs);
    expect(passesIn(graphs)).toBeLessThanOrEqual(passes);
    made.push(...done.made);
    rest = done.rest;
  }
  expect(rest).toBeNull();
  return made;
}

function passesIn({ calls }: NaiveGraphs): number {
  return calls.filter((name) => name === 'predict' || name === 'commit').length;
}

describe('a budget of passes', () => {
  const whole = passesPerFrame(plan.decodeSteps, 16);
  const budgets = Array.from({ length: 2 * whole }, (_, i) => i + 1);

  test.each(budgets)('of %i gives the same video as one uninterrupted run', async (passes) => {
    expect(await inCallsOf(passes, {})).toEqual((await call(Past.empty(naiveManifest))).made);
  });

  test.each(budgets)('of %i gives the same video from a given first frame', async (passes) => {
    const { made } = await call(Past.empty(naiveManifest), { firstFrame });
    expect(await inCallsOf(passes, { firstFrame })).toEqual(made);
  });

  test('is used up, and at least one', async () => {
    for (const passes of [...budgets, 0, -3]) {
      const graphs = new NaiveGraphs();
      await call(Past.empty(naiveManifest), { passes }, graphs);
      expect(passesIn(graphs)).toBe(Math.max(1, passes));
    }
  });

  test('ends in mid-frame with a partial frame, at the end of one with none', async () => {
    const restOf = async (passes: number) => (await call(Past.empty(naiveManifest), { passes })).rest;
    for (const passes of [whole, 2 * whole]) expect(await restOf(passes)).toBeNull();
    expect(await restOf(2)).toMatchObject({ index: 0, decodeSteps: 2 });
    expect(await restOf(whole + 1)).toMatchObject({ index: 1, decodeSteps: 1 });
    expect(await restOf(whole - 1)).toMatchObject({ index: 0, decodeSteps: 4 }); // all but the finish
  });

  test('is spent on a given first frame as one pass', async () => {
    const { made, rest } = await call(Past.empty(naiveManifest), { firstFrame, passes: 1 });
    expect(made).toHaveLength(1);
    expect(rest).toBeNull();
  });

  test('computes nothing when the video is finished', async () => {
    const past = Past.empty(naiveManifest);
    await call(past);
    const graphs = new NaiveGraphs();
    expect(await call(past, {}, graphs)).toEqual({ made: [], rest: null });
    expect(graphs.calls).toEqual([]);
  });
});

describe('a partial frame', () => {
  const begun = async () => (await call(Past.empty(naiveManifest), { passes: 2 })).rest as PartialFrame;

  test('has 0 where a token is unknown', async () => {
    const { latents } = await begun();
    const rows = Array.from({ length: 16 }, (_, token) => latents.subarray(4 * token, 4 * token + 4));
    const unknown = rows.filter((row) => row.every((value) => value === 0));
    expect(unknown).toHaveLength(11); // floor(16 cos(pi / 4))
  });

  test('is not written to by the call that goes on from it', async () => {
    const partial = await begun();
    const before = partial.latents.slice();
    await call(Past.empty(naiveManifest), { partial });
    expect(partial.latents).toEqual(before);
  });

  test('of another frame, of another plan or of another model is refused', async () => {
    const partial = await begun();
    const refused = (changes: Partial<GenerationPlan>, message: string) =>
      expect(call(Past.empty(naiveManifest), changes)).rejects.toThrow(new RangeError(message));
    await refused({ partial: { ...partial, index: 1 } }, 'the partial frame is 1, the next frame 0');
    await refused(
      { partial, firstFrameSampling: { ...plan, decodeSteps: 1 } },
      'a frame has 1 decode steps, the partial one 2',
    );
    await refused({ partial, firstFrame }, 'a frame has 0 decode steps, the partial one 2');
    await refused({ partial: { ...partial, latents: new Float32Array(3) } }, 'a frame has 64 latents, got 3');
  });
});

test('a frame has a pass for each decode step, no more than there are tokens, and one to finish', () => {
  expect(passesPerFrame(4, 16)).toBe(5);
  expect(passesPerFrame(99, 16)).toBe(17);
});
