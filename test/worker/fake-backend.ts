import type { Backend, Lease, Model } from '../../src/backend/backend.ts';
import { ModelFileError } from '../../src/backend/model-files.ts';
import type { GeneratedFrame, GenerationPlan } from '../../src/engine/generation.ts';
import type { Past } from '../../src/engine/past.ts';
import { sampleManifest } from '../contract/sample-manifest.ts';

/** What can go wrong with a FakeBackend; a test changes it as it goes. */
export interface FakeFaults {
  /** Called before each frame: may throw, wait, or never return, as a killed process does. */
  beforeFrame: (index: number) => Promise<void> | void;
  /** The build that is served; null = no such model; an error = it cannot be told now. */
  build: string | null | Error;
}

/**
 * The sample model without arithmetic: every frame is a hash over the plan and over all that the past holds, so a
 * frame from a wrong past is a wrong frame.
 */
export class FakeBackend implements Backend {
  readonly faults: FakeFaults = { beforeFrame: () => undefined, build: 'build-1' };
  #holder: object | undefined;

  async manifest() {
    return sampleManifest;
  }

  async build(): Promise<string> {
    const { build } = this.faults;
    if (build instanceof Error) throw build;
    if (build === null) throw new ModelFileError('manifest.json', 'missing');
    return build;
  }

  tryAcquire(): Lease | undefined {
    if (this.#holder !== undefined) return undefined;
    const holder = {};
    this.#holder = holder;
    const model: Model = {
      manifest: sampleManifest,
      generate: (past, plan) => fakeFrames(this.faults, past, plan),
      rebuild: () => Promise.reject(new Error('the fake rebuilds nothing')),
    };
    return {
      open: async () => model,
      release: () => {
        if (this.#holder === holder) this.#holder = undefined;
      },
    };
  }
}

async function* fakeFrames(
  faults: FakeFaults,
  past: Past,
  plan: GenerationPlan,
): AsyncGenerator<GeneratedFrame> {
  const { width, height } = sampleManifest.frame;
  const { tokens, channels } = sampleManifest.tokenizer;
  const values = sampleManifest.backbone.layers * tokens * sampleManifest.backbone.width;
  while (past.cursor < plan.endFrame) {
    const index = past.cursor;
    await faults.beforeFrame(index);
    const label = plan.labels.findLast(({ from }) => from <= index)?.label ?? 0;
    const next = numbers([plan.seed, index, label, plan.interval, plan.decodeSteps, plan.headSteps], past);
    const isGiven = index === 0 && plan.firstFrame !== undefined;
    const drawn = Uint8ClampedArray.from({ length: width * height * 4 }, () => next() & 255);
    const frame = {
      index,
      latents: Float32Array.from({ length: tokens * channels }, next),
      k: Float32Array.from({ length: values }, next),
      v: Float32Array.from({ length: values }, next),
      pixels: isGiven ? (plan.firstFrame as Uint8ClampedArray) : drawn,
    };
    past.append(frame, frame.pixels);
    yield frame;
  }
}

/** Whole numbers below 2^24, so that float32 keeps them, from a hash over everything that a frame may depend on. */
function numbers(plan: number[], past: Past): () => number {
  let state = 0x811c9dc5;
  const mix = (byte: number) => {
    state = Math.imul(state ^ byte, 0x01000193);
  };
  for (const value of plan) for (const byte of new Uint8Array(Float64Array.of(value).buffer)) mix(byte);
  const { k, v, filled } = past.slots;
  for (const tensor of [k, v, filled]) for (const byte of new Uint8Array(tensor.buffer)) mix(byte);
  for (const byte of past.firstPixels ?? []) mix(byte);
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) & 0xffffff;
  };
}
