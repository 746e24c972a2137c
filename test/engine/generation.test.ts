import { describe, expect, test } from 'vitest';
import type { FrameCache } from '../../src/engine/frame-cache.ts';
import {
  type CachedFrame,
  type FinishedFrames,
  type GeneratedFrame,
  type GenerationPlan,
  generate,
  headTimes,
  labelAt,
  legAt,
  replay,
} from '../../src/engine/generation.ts';
import { Past } from '../../src/engine/past.ts';
import { NaiveGraphs, naiveManifest } from './naive-graphs.ts';

const noPause = async () => {};

const leg = { from: 0, seed: 20_240_607, interval: 2 };

const plan: GenerationPlan = {
  endFrame: 12,
  legs: [leg],
  labels: [
    { from: 0, label: 1 },
    { from: 5, label: 2 },
  ],
  decodeSteps: 4,
  headSteps: 2,
  temperature: 1,
  firstFrameSampling: { decodeSteps: 4, headSteps: 2, temperature: 1 },
  palette: 'first_frame',
  passes: Number.POSITIVE_INFINITY,
};

async function frames(past: Past, changes: Partial<GenerationPlan> = {}, graphs = new NaiveGraphs()) {
  return await Array.fromAsync(generate(graphs, past, { ...plan, ...changes }, noPause));
}

const video = (changes: Partial<GenerationPlan> = {}) => frames(Past.empty(naiveManifest), changes);

function restored(kept: readonly GeneratedFrame[]): Past {
  const first = kept[0] as GeneratedFrame;
  const cacheOf = (index: number) => (kept[index] as GeneratedFrame).cache;
  return Past.restore(naiveManifest, kept.length, first.pixels, cacheOf);
}

function finished(made: readonly GeneratedFrame[]): FinishedFrames {
  const latentsOf = (index: number) => (made[index] as GeneratedFrame).latents;
  return { ...plan, latentsOf, firstPixels: (made[0] as GeneratedFrame).pixels };
}

async function replayed(end: number, frames: FinishedFrames, graphs = new NaiveGraphs()): Promise<Past> {
  const past = Past.empty(naiveManifest);
  await Array.fromAsync(replay(graphs, past, end, frames, noPause));
  return past;
}

const drawing = Uint8ClampedArray.from({ length: 64 }, (_, i) => (i % 4 === 3 ? 255 : 50 * (i % 5)));

describe('one video', () => {
  test('has the frames from the cursor to the end of the plan', async () => {
    expect((await video()).map(({ index }) => index)).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });

  test('is the same from the same plan and another from another seed', async () => {
    expect(await video()).toEqual(await video());
    expect(await video({ legs: [{ ...leg, seed: leg.seed + 1 }] })).not.toEqual(await video());
  });

  test.each([1, 2, 3, 5])('is the same in chunks of %i frames on one past', async (chunk) => {
    const past = Past.empty(naiveManifest);
    const made: GeneratedFrame[] = [];
    while (past.cursor < 12)
      made.push(...(await frames(past, { endFrame: Math.min(12, past.cursor + chunk) })));
    expect(made).toEqual(await video());
  });

  test('is the same when the past is restored from what was kept before every frame', async () => {
    const made: GeneratedFrame[] = await frames(Past.empty(naiveManifest), { endFrame: 1 });
    while (made.length < 12) made.push(...(await frames(restored(made), { endFrame: made.length + 1 })));
    expect(made).toEqual(await video());
  });

  test('is the same when the cache is replayed from latents before every frame', async () => {
    const whole = await video();
    for (let cursor = 1; cursor < 12; cursor++) {
      const past = await replayed(cursor, finished(whole));
      expect(past.slots).toEqual(restored(whole.slice(0, cursor)).slots);
      expect(await frames(past, { endFrame: cursor + 1 })).toEqual([whole[cursor]]);
    }
  });

  test('goes on after a consumer that stopped in the middle', async () => {
    const past = Past.empty(naiveManifest);
    const made: GeneratedFrame[] = [];
    for await (const frame of generate(new NaiveGraphs(), past, plan, noPause)) {
      made.push(frame);
      if (frame.index === 6) break;
    }
    expect([...made, ...(await frames(past))]).toEqual(await video());
  });
});

describe('a first frame that is generated', () => {
  const firstFrameSampling = { decodeSteps: 2, headSteps: 3, temperature: 0.5 };

  test('has steps and temperature of its own', async () => {
    const [first] = await video({ endFrame: 1, ...firstFrameSampling, firstFrameSampling });
    const graphs = new NaiveGraphs();
    const made = await frames(Past.empty(naiveManifest), { endFrame: 3, firstFrameSampling }, graphs);
    expect(made[0]).toEqual(first);
    expect(made[0]).not.toEqual((await video({ endFrame: 1 }))[0]);
    const passes = graphs.calls.filter((name) => name === 'predict');
    expect(passes).toHaveLength(2 + 4 + 4);
  });

  test('leaves later frames to the plan', async () => {
    const [first, second] = await video({ endFrame: 2, firstFrameSampling });
    const past = restored([first as GeneratedFrame]);
    expect(await frames(past, { endFrame: 2 })).toEqual([second]);
  });

  test('changes nothing where a first frame is given', async () => {
    const given = await video({ firstFrame: drawing, endFrame: 3 });
    expect(await video({ firstFrame: drawing, endFrame: 3, firstFrameSampling })).toEqual(given);
  });
});

describe('the past', () => {
  test('is bit for bit the same live, restored from what was kept, and replayed from latents', async () => {
    const changes = { legs: [leg, { from: 4, seed: 1, interval: 3 }, { from: 8, seed: 9, interval: 1 }] };
    const live = Past.empty(naiveManifest);
    const made: GeneratedFrame[] = [];
    while (live.cursor < 11) {
      made.push(...(await frames(live, { ...changes, endFrame: live.cursor + 1 })));
      const fromLatents = await replayed(live.cursor, { ...finished(made), ...changes });
      expect(fromLatents.slots).toEqual(live.slots);
      expect(restored(made).slots).toEqual(live.slots);
    }
  });
});

describe('a replay', () => {
  test('makes frame 0 and only what the window can see through the layers', async () => {
    const graphs = new NaiveGraphs();
    const asked: number[] = [];
    const latentsOf = (index: number) => {
      asked.push(index);
      return new Float32Array(64);
    };
    await replayed(40, { ...plan, latentsOf, firstPixels: drawing }, graphs);
    expect(asked).toEqual([0, 34, 35, 36, 37, 38, 39]); // W = 2, L = 3
    expect(graphs.calls).toEqual(Array(7).fill('commit'));
  });

  test('stopped after every frame goes on from what was kept, to the same past', async () => {
    const whole = await video();
    for (const end of [1, 2, 4, 7, 8, 12]) {
      const kept = new Map<number, FrameCache>();
      let past = Past.empty(naiveManifest);
      while (past.cursor < end) {
        const { value } = await replay(new NaiveGraphs(), past, end, finished(whole), noPause).next();
        const { index, cache } = value as CachedFrame;
        kept.set(index, cache);
        const cacheOf = (frame: number) => kept.get(frame) as FrameCache;
        past = Past.restore(naiveManifest, index + 1, finished(whole).firstPixels, cacheOf, end);
      }
      expect(past.slots).toEqual(restored(whole.slice(0, end)).slots);
    }
  });
});

describe('conditions', () => {
  test('change a frame from the label change on, and none before', async () => {
    const [walking, jumping] = await Promise.all([video({ labels: [{ from: 0, label: 1 }] }), video()]);
    expect(walking.slice(0, 5)).toEqual(jumping.slice(0, 5));
    expect(walking[5]?.latents).not.toEqual(jumping[5]?.latents);
  });

  test('give frames before the first change no label', () => {
    const labels = [
      { from: 2, label: 4 },
      { from: 9, label: 1 },
    ];
    expect([0, 1, 2, 8, 9, 100].map((frame) => labelAt(labels, frame))).toEqual([0, 0, 4, 4, 1, 1]);
  });

  test('reach the graphs: interval, steps and temperature each change the video', async () => {
    const usual = await video({ endFrame: 2 });
    const others: Partial<GenerationPlan>[] = [
      { legs: [{ ...leg, interval: 3 }] },
      { decodeSteps: 5 },
      { headSteps: 3 },
      { temperature: 0.5 },
    ];
    for (const change of others) expect(await video({ endFrame: 2, ...change })).not.toEqual(usual);
  });
});

describe('legs', () => {
  const later = { from: 5, seed: 3, interval: 4 };

  test.each([
    { changed: 'seed', to: { ...leg, from: 5, seed: 3 } },
    { changed: 'interval', to: { ...leg, from: 5, interval: 4 } },
  ])('change the $changed of a video from their frame on, and nothing before', async ({ to }) => {
    const [one, two] = await Promise.all([video(), video({ legs: [leg, to] })]);
    expect(two.slice(0, 5)).toEqual(one.slice(0, 5));
    expect(two[5]?.latents).not.toEqual(one[5]?.latents);
  });

  test('go on as a video that was begun with the later leg would from the same past', async () => {
    const start = await video({ endFrame: 5 });
    const other = await frames(restored(start), { legs: [{ ...later, from: 0 }] });
    expect([...start, ...other]).toEqual(await video({ legs: [leg, later] }));
  });

  test('hold from their own frame to the next', () => {
    const legs = [leg, later];
    expect([0, 4, 5, 99].map((frame) => legAt(legs, frame))).toEqual([leg, leg, later, later]);
    expect(() => legAt([later], 4)).toThrow(new RangeError('no leg holds at frame 4'));
  });
});

describe('the first frame', () => {
  test('is shown as it is given', async () => {
    const [first] = await video({ firstFrame: drawing, endFrame: 1 });
    expect(first?.pixels).toEqual(drawing);
  });

  test('enters the cache clipped, by a commit pass and no decode step', async () => {
    const graphs = new NaiveGraphs();
    const [first] = await frames(Past.empty(naiveManifest), { firstFrame: drawing, endFrame: 1 }, graphs);
    expect(graphs.calls).toEqual(['encode', 'commit']);
    expect(Math.max(...(first?.latents ?? []))).toBe(4);
    expect(Math.min(...(first?.latents ?? []))).toBe(-4);
  });

  test('of a wrong size is refused', async () => {
    await expect(video({ firstFrame: drawing.subarray(4) })).rejects.toThrow('RGBA of 4 x 4 pixels');
  });

  test('lends its colours to every later frame', async () => {
    const colours = new Set(coloursOf(drawing));
    for (const { pixels } of await video({ firstFrame: drawing })) {
      for (const colour of coloursOf(pixels)) expect(colours).toContain(colour);
    }
  });

  test('lends no colours where no palette is wanted', async () => {
    const made = await video({ firstFrame: drawing, palette: 'none' });
    const colours = new Set(coloursOf(drawing));
    expect(coloursOf(made[3]?.pixels as Uint8ClampedArray).some((colour) => !colours.has(colour))).toBe(true);
  });
});

describe('every pass, and the decoder', () => {
  test('begin after the event loop has run', async () => {
    const log: string[] = [];
    const graphs = new NaiveGraphs();
    graphs.calls.push = (...calls: string[]) => log.push(...calls);
    const pause = async () => void log.push('pause');
    await Array.fromAsync(generate(graphs, Past.empty(naiveManifest), { ...plan, endFrame: 1 }, pause));
    const steps = Array.from({ length: 4 }, () => ['pause', 'predict', 'sample']).flat();
    expect(log).toEqual([...steps, 'pause', 'commit', 'pause', 'decode']);
  });
});

test('the head is given times that fall from 1 to 0 in single precision', () => {
  expect([...headTimes(3)]).toEqual([1, Math.fround(1 - 1 / 3), Math.fround(1 - 2 / 3), 0]);
});

function coloursOf(pixels: Uint8ClampedArray): string[] {
  return Array.from({ length: pixels.length / 4 }, (_, i) => {
    const [r, g, b, a] = pixels.subarray(i * 4, i * 4 + 4);
    return a === 0 ? 'transparent' : `${r},${g},${b},${a}`;
  }).filter((colour) => colour !== 'transparent');
}
