import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goldenLabels, goldenPixels, goldenPlan, goldenSummary } from '../../bench/golden-video.ts';
import { directoryFiles } from '../../src/backend/directory-files.ts';
import { readManifest } from '../../src/backend/model-files.ts';
import { loadGraphs } from '../../src/backend/model-loading.ts';
import { compileRuntime } from '../../src/backend/node-backend.ts';
import type { OnnxGraphs } from '../../src/backend/onnx-graphs.ts';
import {
  FloatGolden,
  goldenFloats,
  goldenValues,
  QuantisedGolden,
} from '../../src/contract/golden-vectors.ts';
import type { KeysAndValues } from '../../src/engine/frame-cache.ts';
import {
  displayFrame,
  type GeneratedFrame,
  generate,
  headTimes,
  labelAt,
} from '../../src/engine/generation.ts';
import { decodeOrder, maskSchedule } from '../../src/engine/mask-schedule.ts';
import { normalNoise } from '../../src/engine/noise.ts';
import { Past, type PastSlots } from '../../src/engine/past.ts';
import { referenceOf } from '../../src/engine/reference.ts';

/**
 * Where a model and its float golden vectors lie: a float build beside it holds them for both. Quantised graphs have
 * bounds on their distance from the float video, so that no bad one is recorded.
 */
const MODELS = [
  { folder: 'models/nano/float', golden: 'models/nano/float/golden', bounds: null },
  {
    folder: 'models/nano',
    golden: 'models/nano/float/golden',
    bounds: { latentMeanAbsolute: 0.05, pixelPsnr: 40 },
  },
  {
    folder: 'models/sprite',
    golden: 'models/sprite/golden',
    bounds: { latentMeanAbsolute: 0.2, pixelPsnr: 25 },
  },
];

const noPause = async () => {};
const json = (...path: string[]): unknown => JSON.parse(readFileSync(join(...path), 'utf8'));
const range = (length: number) => Array.from({ length }, (_, i) => i);

describe.each(MODELS)('$folder', ({ folder, golden: goldenFolder, bounds }) => {
  const golden = FloatGolden.parse(json(goldenFolder, 'float.json'));
  let graphs: OnnxGraphs;
  let frames: GeneratedFrame[];

  beforeAll(async () => {
    const files = directoryFiles(folder);
    graphs = await loadGraphs(files, await readManifest(files), await compileRuntime());
    const plan = goldenPlan(golden.video, graphs.manifest);
    frames = await Array.fromAsync(generate(graphs, Past.empty(graphs.manifest), plan, noPause));
  }, 120_000);
  afterAll(() => graphs.release());

  test('makes the noise that PyTorch was given, bit for bit', () => {
    const { seed, frame, decodeStep, tokens, channels, temperature, values } = golden.normal;
    const place = { frame, decodeStep, tokens: range(tokens) };
    const noise = normalNoise({ seed, temperature }, place, channels, graphs.normalTable);
    expect(Buffer.from(noise.buffer).equals(Buffer.from(goldenFloats(values).buffer))).toBe(true);
  });

  test('decodes tokens in the same order', () => {
    const { seed, frame, tokens, values } = golden.order;
    expect(decodeOrder(seed, frame, tokens)).toEqual([...goldenValues(values)]);
  });

  test('reveals as many tokens at every step', () => {
    const { tokens } = graphs.manifest.tokenizer;
    for (const [steps, revealed] of Object.entries(golden.maskSchedule)) {
      const kept = [tokens, ...maskSchedule(tokens, Number(steps))];
      expect(revealed).toEqual(kept.slice(1).map((keep, step) => (kept[step] as number) - keep));
    }
  });

  test('samples tokens as PyTorch does, to 1e-4', async () => {
    const { z, noise, times } = golden.head.inputs;
    if (!z || !noise || !times || !golden.head.outputs.latents)
      throw new Error('the head has no golden vectors');
    expect(goldenFloats(times)).toEqual(headTimes((times.shape[0] as number) - 1));
    const inputs = { z: goldenFloats(z), noise: goldenFloats(noise), times: goldenFloats(times) };
    const sampled = await graphs.sample(inputs);
    expect(largestDifference(sampled, goldenFloats(golden.head.outputs.latents))).toBeLessThan(1e-4);
  });

  test('predicts from the cache what PyTorch predicts in one parallel pass', async () => {
    const tolerance = graphs.manifest.precision === 'float' ? 1e-4 : 0.2;
    const zs = await history(graphs, golden.history);
    for (const { frame, z } of golden.history.checks) {
      const wanted = goldenFloats(z);
      expect(largestDifference(zs[frame] as Float32Array, wanted)).toBeLessThan(tolerance);
    }
  }, 60_000);

  test('decodes the latents of the golden video to its pixels', async () => {
    const { tokenizer, frame } = graphs.manifest;
    const wanted = goldenPixels(golden.video.pixels, graphs.manifest);
    const latents = goldenFloats(golden.video.latents);
    const [pixelsSize, latentsSize] = [frame.width * frame.height * 4, tokenizer.tokens * tokenizer.channels];
    const reference = tokenizer.kind === 'referenced' ? referenceOf(wanted.slice(0, pixelsSize)) : null;
    for (const index of [1, 7, 15]) {
      const made = latents.slice(index * latentsSize, (index + 1) * latentsSize);
      const pixels = await displayFrame(graphs, made, reference, 'first_frame');
      const expected = wanted.subarray(index * pixelsSize, (index + 1) * pixelsSize);
      expect(shareOfDifferent(pixels, expected)).toBeLessThan(0.005);
    }
  });

  if (bounds === null) {
    test('makes the golden video to its tolerance', () => {
      const made = Float32Array.from(frames.flatMap(({ latents }) => [...latents]));
      const wanted = goldenFloats(golden.video.latents);
      expect(largestDifference(made, wanted)).toBeLessThan(golden.video.latentTolerance);
    });
  } else {
    test('makes the video whose hashes were recorded, near the float one', async () => {
      const recorded = QuantisedGolden.parse(json(folder, 'golden/int8.json'));
      const { latentMeanAbsolute, pixelPsnr } = recorded.distanceFromFloat;
      expect(latentMeanAbsolute).toBeLessThan(bounds.latentMeanAbsolute);
      expect(pixelPsnr).toBeGreaterThan(bounds.pixelPsnr);
      expect(await goldenSummary(frames, golden.video, graphs.manifest)).toEqual(recorded);
    });
  }
});

/** z of every frame of the history, each predicted before its own commit; K and V stay in float32. */
async function history(
  graphs: OnnxGraphs,
  { seed, frames, interval, labels, maskedTokens }: FloatGolden['history'],
) {
  const { tokens, channels } = graphs.manifest.tokenizer;
  const schedule = goldenLabels(labels, graphs.manifest);
  const committed: KeysAndValues[] = [];
  const zs: Float32Array[] = [];
  for (const frame of range(frames)) {
    const place = { frame, decodeStep: 1, tokens: range(tokens) };
    const latents = normalNoise({ seed, temperature: 1 }, place, channels, graphs.normalTable);
    const mask = new Float32Array(tokens);
    for (const token of decodeOrder(seed, frame, tokens).slice(0, maskedTokens)) mask[token] = 1;
    const label = labelAt(schedule, frame);
    const slots = exactSlots(graphs, committed);
    zs.push(await graphs.predict({ latents, mask, interval, label }, slots));
    committed.push(await graphs.commit({ latents, interval, label }, slots));
  }
  return zs;
}

/** The slots of a past whose K and V never went through 8 bits. */
function exactSlots({ manifest }: OnnxGraphs, committed: readonly KeysAndValues[]): PastSlots {
  const { layers, window, width } = manifest.backbone;
  const size = manifest.tokenizer.tokens * width;
  const values = layers * (window + 1) * size;
  const filled = new Float32Array(window + 1);
  const slots = { k: new Float32Array(values), v: new Float32Array(values), filled };
  for (const frame of Past.framesNeeded(manifest, committed.length)) {
    const slot = frame === 0 ? 0 : window + 1 - (committed.length - frame);
    const { k, v } = committed[frame] as KeysAndValues;
    filled[slot] = 1;
    for (const layer of range(layers)) {
      const place = (layer * (window + 1) + slot) * size;
      slots.k.set(k.subarray(layer * size, (layer + 1) * size), place);
      slots.v.set(v.subarray(layer * size, (layer + 1) * size), place);
    }
  }
  return slots;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}

/** Share of pixels that differ by more than rounding. */
function shareOfDifferent(a: Uint8ClampedArray, b: Uint8ClampedArray): number {
  expect(a.length).toBe(b.length);
  const pixels = range(a.length / 4);
  const differs = (pixel: number) =>
    range(4).some((c) => Math.abs((a[pixel * 4 + c] as number) - (b[pixel * 4 + c] as number)) > 1);
  return pixels.filter(differs).length / pixels.length;
}
