import type { Leg } from '../contract/job.ts';
import type { Sampling } from '../contract/sampling.ts';
import { type FrameCache, packCache } from './frame-cache.ts';
import { free } from './free.ts';
import type { Graphs, Reference } from './graphs.ts';
import {
  blankFrame,
  checkedPartial,
  clip,
  decodeFurther,
  type FramePlan,
  type PartialFrame,
} from './partial-frame.ts';
import { Past } from './past.ts';
import { displayedPixels, planarPixels } from './pixels.ts';
import { nullReference, paint } from './reference.ts';

/** The label of the frames from `from` on; label ids, 0 is "no label". */
export interface LabelChange {
  readonly from: number;
  readonly label: number;
}

/** What to generate. The same plan, past and model give the same bytes. */
export interface GenerationPlan extends Sampling {
  /** Generation ends before this frame index. */
  readonly endFrame: number;
  /** Rising by `from`, the first from 0: a frame is drawn with seed and interval of the last leg before it. */
  readonly legs: readonly Leg[];
  /** Rising by `from`; frames before the first entry have no label. */
  readonly labels: readonly LabelChange[];
  /** Of frame 0, where it is generated. */
  readonly firstFrameSampling: Sampling;
  /** `first_frame`: only colours of frame 0. Without effect where the tokenizer picks no colours. */
  readonly palette: 'first_frame' | 'none';
  /** RGBA [h, w, 4] in the model's size: frame 0 as it is. Absent: frame 0 is generated. */
  readonly firstFrame?: Uint8ClampedArray;
  /**
   * Passes of the backbone that this call may make, at least one; may be Infinity. Every decode step
   * is one, and finishing a frame is one: commit pass and decoder, for a given frame the encoder, too.
   */
  readonly passes: number;
  /** The frame at the past's cursor, as far as an earlier call came with it. */
  readonly partial?: PartialFrame;
}

/** K and V of a finished frame, as the past has them. */
export interface CachedFrame {
  readonly index: number;
  readonly cache: FrameCache;
}

/** A finished frame, with what must be kept to go on after it. */
export interface GeneratedFrame extends CachedFrame {
  /** [S, C] */
  readonly latents: Float32Array;
  /** RGBA [h, w, 4] as displayed */
  readonly pixels: Uint8ClampedArray;
}

/** What the frames of a video are conditioned on, in replay as in generation. */
type Conditions = Pick<GenerationPlan, 'legs' | 'labels'>;

/** Finished frames, as far as K and V follow from them. */
export interface FinishedFrames extends Conditions {
  /** Latents [S, C] of a frame. */
  readonly latentsOf: (frame: number) => Float32Array;
  /** RGBA [h, w, 4] of frame 0 as displayed */
  readonly firstPixels: Uint8ClampedArray;
}

/**
 * The frames from `past.cursor` to `plan.endFrame`, one after another, as far as `plan.passes`
 * reach; `past` has moved on by a frame when it is yielded. Returns the frame that the passes ended
 * in, null where they ended with a frame or `endFrame` is reached.
 * Source: arXiv 2501.12389, section 3; docs/model-format.md, "Generation of frame i".
 * @param pause awaited before every pass, before the decoder and within it, so that the event loop runs
 * @throws RangeError for a partial frame that does not belong after `past`, for a first frame of a
 * wrong size, and where no leg holds
 */
export async function* generate(
  graphs: Graphs,
  past: Past,
  plan: GenerationPlan,
  pause: () => Promise<void>,
): AsyncGenerator<GeneratedFrame, PartialFrame | null> {
  const times = headTimes(plan.headSteps);
  const firstTimes = headTimes(plan.firstFrameSampling.headSteps);
  let begun = resumedFrame(graphs, past, plan);
  let reference = referenceFor(graphs, past);
  let passes = Math.max(1, Math.floor(plan.passes));
  while (past.cursor < plan.endFrame && passes > 0) {
    const given = givenFrame(past, plan);
    const frame = given
      ? begun
      : await decodeFurther(
          graphs,
          past,
          framePlan(plan, past.cursor, past.cursor === 0 ? firstTimes : times),
          begun,
          passes,
          pause,
        );
    passes -= frame.decodeSteps - begun.decodeSteps;
    if (passes === 0) return frame;
    if (given) await pause();
    const latents = given ? await encodeFirst(graphs, given, reference) : frame.latents;
    await pause();
    const cache = await commit(graphs, past, latents, plan);
    await pause();
    const pixels = given ?? (await displayFrame(graphs, latents, reference, plan.palette, pause));
    past.append(cache, pixels);
    passes -= 1;
    begun = blankFrame(graphs, past.cursor);
    if (frame.index === 0) reference = referenceFor(graphs, past);
    yield { index: frame.index, latents, cache, pixels };
  }
  return null;
}

/**
 * K and V of the frames that the frame at `end` depends on, made anew from latents: one commit pass for frame 0 and
 * for each of the W + (L - 1) * W frames that the window's layers can see. `past` has moved on by a frame when it is
 * yielded, and in the end stands before `end`; a replay goes on from where another one to the same end was stopped.
 * @param pause awaited before every pass
 */
export async function* replay(
  graphs: Graphs,
  past: Past,
  end: number,
  finished: FinishedFrames,
  pause: () => Promise<void>,
): AsyncGenerator<CachedFrame, void> {
  const start = Past.replayStart(graphs.manifest, end);
  while (past.cursor < end) {
    if (past.cursor > 0) past.skipTo(Math.max(start, past.cursor));
    await pause();
    const index = past.cursor;
    const cache = await commit(graphs, past, finished.latentsOf(index), finished);
    past.append(cache, finished.firstPixels);
    yield { index, cache };
  }
}

/** The label id of a frame: that of the last change at or before it. */
export function labelAt(labels: readonly LabelChange[], frame: number): number {
  return labels.findLast(({ from }) => from <= frame)?.label ?? 0;
}

/**
 * The leg of a frame: the last that begins at or before it.
 * @throws RangeError where there is none
 */
export function legAt(legs: readonly Leg[], frame: number): Leg {
  const leg = legs.findLast(({ from }) => from <= frame);
  if (!leg) throw new RangeError(`no leg holds at frame ${frame}`);
  return leg;
}

/** Times of the head's solver, falling from 1 to 0: [headSteps + 1]. */
export function headTimes(headSteps: number): Float32Array {
  return Float32Array.from({ length: headSteps + 1 }, (_, step) => 1 - step / headSteps);
}

function givenFrame(past: Past, { firstFrame }: GenerationPlan): Uint8ClampedArray | undefined {
  return past.cursor === 0 ? firstFrame : undefined;
}

/** The frame at the cursor as an earlier call left it; no decode step of a given frame is ever done. */
function resumedFrame(graphs: Graphs, past: Past, plan: GenerationPlan): PartialFrame {
  if (!plan.partial) return blankFrame(graphs, past.cursor);
  const decodeSteps = givenFrame(past, plan) ? 0 : samplingAt(plan, past.cursor).decodeSteps;
  return checkedPartial(graphs, past, plan.partial, decodeSteps);
}

function samplingAt(plan: GenerationPlan, index: number): Sampling {
  return index === 0 ? plan.firstFrameSampling : plan;
}

/** What the frame at `index` is drawn from. */
function framePlan(plan: GenerationPlan, index: number, times: Float32Array): FramePlan {
  const { seed, interval } = legAt(plan.legs, index);
  const { decodeSteps, temperature } = samplingAt(plan, index);
  return { seed, interval, label: labelAt(plan.labels, index), decodeSteps, temperature, times };
}

function referenceFor({ manifest }: Graphs, past: Past): Reference | null {
  if (manifest.tokenizer.kind !== 'referenced') return null;
  return past.reference ?? nullReference(manifest);
}

async function encodeFirst(
  graphs: Graphs,
  given: Uint8ClampedArray,
  reference: Reference | null,
): Promise<Float32Array> {
  const { frame, latentBound } = graphs.manifest;
  if (given.length !== frame.width * frame.height * 4) {
    throw new RangeError(`the first frame must be RGBA of ${frame.width} x ${frame.height} pixels`);
  }
  return clip(await graphs.encode(planarPixels(given, frame.channels), reference), latentBound);
}

async function commit(
  graphs: Graphs,
  past: Past,
  latents: Float32Array,
  { legs, labels }: Conditions,
): Promise<FrameCache> {
  const { interval } = legAt(legs, past.cursor);
  const label = labelAt(labels, past.cursor);
  const made = await graphs.commit({ latents, interval, label }, past.slots);
  const cache = packCache(graphs.manifest, made);
  free(made.k, made.v);
  return cache;
}

/** Latents [S, C] of a frame -> RGBA [h, w, 4] as displayed. */
export async function displayFrame(
  graphs: Graphs,
  latents: Float32Array,
  reference: Reference | null,
  palette: GenerationPlan['palette'],
  pause: () => Promise<void> = async () => undefined,
): Promise<Uint8ClampedArray> {
  const decoded = await graphs.decode(latents, reference, pause);
  const picked = palette === 'first_frame' && reference && decoded.indices;
  return picked ? paint(picked, reference.colours) : displayedPixels(decoded);
}
