import type { Graphs, Reference } from './graphs.ts';
import { decodeOrder, revealedTokens } from './mask-schedule.ts';
import { normalNoise } from './noise.ts';
import { Past } from './past.ts';
import { displayedPixels, planarPixels } from './pixels.ts';
import { nullReference, paint, referenceOf } from './reference.ts';

/** The label of the frames from `from` on; label ids, 0 is "no label". */
export interface LabelChange {
  readonly from: number;
  readonly label: number;
}

/** What to generate. The same plan, past and model give the same bytes. */
export interface GenerationPlan {
  /** 0 to 2^53 - 1 */
  readonly seed: number;
  /** Generation ends before this frame index. */
  readonly endFrame: number;
  readonly interval: number;
  /** Rising by `from`; frames before the first entry have no label. */
  readonly labels: readonly LabelChange[];
  readonly decodeSteps: number;
  readonly headSteps: number;
  readonly temperature: number;
  /** `first_frame`: only colours of frame 0. Without effect where the tokenizer picks no colours. */
  readonly palette: 'first_frame' | 'none';
  /** RGBA [h, w, 4] in the model's size: frame 0 as it is. Absent: frame 0 is generated. */
  readonly firstFrame?: Uint8ClampedArray;
}

/** A finished frame, with what must be kept to go on after it. */
export interface GeneratedFrame {
  readonly index: number;
  /** [S, C] */
  readonly latents: Float32Array;
  /** [L, S, D] */
  readonly k: Float32Array;
  /** [L, S, D] */
  readonly v: Float32Array;
  /** RGBA [h, w, 4] as displayed */
  readonly pixels: Uint8ClampedArray;
}

/** What the frames of a video are conditioned on, in replay as in generation. */
export type Conditions = Pick<GenerationPlan, 'interval' | 'labels'>;

/**
 * The frames from `past.cursor` to `plan.endFrame`, one after another; `past` has moved on by a
 * frame when it is yielded.
 * Source: arXiv 2501.12389, section 3; docs/model-format.md, "Generation of frame i".
 * @param pause awaited after every decode step, so that the event loop runs
 */
export async function* generate(
  graphs: Graphs,
  past: Past,
  plan: GenerationPlan,
  pause: () => Promise<void>,
): AsyncGenerator<GeneratedFrame> {
  const times = headTimes(plan.headSteps);
  let reference = referenceFor(graphs, past);
  while (past.cursor < plan.endFrame) {
    const index = past.cursor;
    const given = index === 0 ? plan.firstFrame : undefined;
    const latents = given
      ? await encodeFirst(graphs, given, reference)
      : await fillTokens(graphs, past, plan, times, pause);
    const { k, v } = await commit(graphs, past, latents, plan);
    const pixels = given ?? (await displayFrame(graphs, latents, reference, plan.palette));
    past.append({ k, v }, pixels);
    if (index === 0) reference = referenceFor(graphs, past);
    yield { index, latents, k, v, pixels };
  }
}

/**
 * The past before frame `cursor` from latents alone: one commit pass for frame 0 and for each of
 * the W + (L - 1) * W frames that the window's layers can see.
 * @param latentsOf latents [S, C] of a finished frame
 * @param firstPixels RGBA [h, w, 4] of frame 0 as displayed
 */
export async function rebuildPast(
  graphs: Graphs,
  cursor: number,
  conditions: Conditions,
  latentsOf: (frame: number) => Float32Array,
  firstPixels: Uint8ClampedArray,
  pause: () => Promise<void>,
): Promise<Past> {
  const past = Past.empty(graphs.manifest);
  if (cursor === 0) return past;
  const { layers, window } = graphs.manifest.backbone;
  past.append(await commit(graphs, past, latentsOf(0), conditions), firstPixels);
  past.skipTo(Math.max(1, cursor - layers * window));
  while (past.cursor < cursor) {
    await pause();
    past.append(await commit(graphs, past, latentsOf(past.cursor), conditions), firstPixels);
  }
  return past;
}

/** The label id of a frame: that of the last change at or before it. */
export function labelAt(labels: readonly LabelChange[], frame: number): number {
  return labels.findLast(({ from }) => from <= frame)?.label ?? 0;
}

/** Times of the head's solver, falling from 1 to 0: [headSteps + 1]. */
export function headTimes(headSteps: number): Float32Array {
  return Float32Array.from({ length: headSteps + 1 }, (_, step) => 1 - step / headSteps);
}

function referenceFor({ manifest }: Graphs, { firstPixels }: Past): Reference | null {
  if (manifest.tokenizer.kind !== 'referenced') return null;
  return firstPixels ? referenceOf(firstPixels) : nullReference(manifest);
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

/** The tokens of the frame at the cursor, [S, C], revealed over the decode steps. */
async function fillTokens(
  graphs: Graphs,
  past: Past,
  plan: GenerationPlan,
  times: Float32Array,
  pause: () => Promise<void>,
): Promise<Float32Array> {
  const { tokenizer, backbone, latentBound } = graphs.manifest;
  const { tokens, channels } = tokenizer;
  const frame = past.cursor;
  const latents = new Float32Array(tokens * channels);
  const mask = new Float32Array(tokens).fill(1);
  const label = labelAt(plan.labels, frame);
  const steps = revealedTokens(decodeOrder(plan.seed, frame, tokens), plan.decodeSteps);
  for (const [step, revealed] of steps.entries()) {
    const z = await graphs.predict({ latents, mask, interval: plan.interval, label }, past.slots);
    const noise = normalNoise(
      plan,
      { frame, decodeStep: step + 1, tokens: revealed },
      channels,
      graphs.normalTable,
    );
    const rows = gatherRows(z, revealed, backbone.width);
    const sampled = clip(await graphs.sample({ z: rows, noise, times }), latentBound);
    scatterRows(latents, sampled, revealed, channels);
    for (const token of revealed) mask[token] = 0;
    await pause();
  }
  return latents;
}

function commit(graphs: Graphs, past: Past, latents: Float32Array, { interval, labels }: Conditions) {
  return graphs.commit({ latents, interval, label: labelAt(labels, past.cursor) }, past.slots);
}

/** Latents [S, C] of a frame -> RGBA [h, w, 4] as displayed. */
export async function displayFrame(
  graphs: Graphs,
  latents: Float32Array,
  reference: Reference | null,
  palette: GenerationPlan['palette'],
): Promise<Uint8ClampedArray> {
  const decoded = await graphs.decode(latents, reference);
  const picked = palette === 'first_frame' && reference && decoded.indices;
  return picked ? paint(picked, reference.colours) : displayedPixels(decoded);
}

function clip(latents: Float32Array, bound: number): Float32Array {
  return latents.map((value) => Math.min(bound, Math.max(-bound, value)));
}

/** Rows of [S, width] -> [n, width]. */
function gatherRows(source: Float32Array, rows: readonly number[], width: number): Float32Array {
  const gathered = new Float32Array(rows.length * width);
  rows.forEach((row, place) => {
    gathered.set(source.subarray(row * width, (row + 1) * width), place * width);
  });
  return gathered;
}

/** [n, width] -> the given rows of [S, width]. */
function scatterRows(
  target: Float32Array,
  source: Float32Array,
  rows: readonly number[],
  width: number,
): void {
  rows.forEach((row, place) => {
    target.set(source.subarray(place * width, (place + 1) * width), row * width);
  });
}
