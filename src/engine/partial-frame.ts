import { free } from './free.ts';
import type { Graphs } from './graphs.ts';
import { decodeOrder, revealedTokens } from './mask-schedule.ts';
import { normalNoise } from './noise.ts';
import type { Past } from './past.ts';

/** A frame between two decode steps: which tokens are known follows from how many steps are done. */
export interface PartialFrame {
  readonly index: number;
  /** Decode steps done. */
  readonly decodeSteps: number;
  /** [S, C], 0 where unknown */
  readonly latents: Float32Array;
}

/** What the tokens of one frame are drawn from. */
export interface FramePlan {
  readonly seed: number;
  readonly interval: number;
  /** Label id; 0 is "no label". */
  readonly label: number;
  readonly decodeSteps: number;
  readonly temperature: number;
  /** Of the head's solver, [N + 1]. */
  readonly times: Float32Array;
}

/** Passes of the backbone of one generated frame: its decode steps and the commit pass. */
export function passesPerFrame(decodeSteps: number, tokens: number): number {
  return Math.min(decodeSteps, tokens) + 1;
}

/** A frame of which no token is known. */
export function blankFrame({ manifest }: Graphs, index: number): PartialFrame {
  const { tokens, channels } = manifest.tokenizer;
  return { index, decodeSteps: 0, latents: new Float32Array(tokens * channels) };
}

/**
 * The partial frame if it can be gone on with after that past.
 * @throws RangeError for another frame than that at the cursor, or for another model or plan
 */
export function checkedPartial(
  { manifest }: Graphs,
  past: Past,
  partial: PartialFrame,
  decodeSteps: number,
): PartialFrame {
  const { tokens, channels } = manifest.tokenizer;
  const most = Math.min(decodeSteps, tokens);
  if (partial.index !== past.cursor)
    throw new RangeError(`the partial frame is ${partial.index}, the next frame ${past.cursor}`);
  if (!Number.isInteger(partial.decodeSteps) || partial.decodeSteps < 0 || partial.decodeSteps > most)
    throw new RangeError(`a frame has ${most} decode steps, the partial one ${partial.decodeSteps}`);
  if (partial.latents.length !== tokens * channels)
    throw new RangeError(`a frame has ${tokens * channels} latents, got ${partial.latents.length}`);
  return partial;
}

/**
 * The partial frame after at most `passes` more decode steps.
 * @param pause awaited before every decode step
 */
export async function decodeFurther(
  graphs: Graphs,
  past: Past,
  plan: FramePlan,
  partial: PartialFrame,
  passes: number,
  pause: () => Promise<void>,
): Promise<PartialFrame> {
  const { tokens } = graphs.manifest.tokenizer;
  const latents = partial.latents.slice();
  const steps = revealedTokens(decodeOrder(plan.seed, partial.index, tokens), plan.decodeSteps);
  const mask = maskOf(steps.slice(partial.decodeSteps), tokens);
  const end = Math.min(steps.length, partial.decodeSteps + passes);
  for (let step = partial.decodeSteps; step < end; step++) {
    await pause();
    const place = { frame: partial.index, decodeStep: step + 1, tokens: steps[step] as number[] };
    await reveal(graphs, past, plan, place, latents, mask);
  }
  return { index: partial.index, decodeSteps: end, latents };
}

/** One decode step: fills `place.tokens` of `latents` in and clears them in `mask`. */
async function reveal(
  graphs: Graphs,
  past: Past,
  plan: FramePlan,
  place: { frame: number; decodeStep: number; tokens: readonly number[] },
  latents: Float32Array,
  mask: Float32Array,
): Promise<void> {
  const { tokenizer, backbone, latentBound } = graphs.manifest;
  const { interval, label, times } = plan;
  const z = await graphs.predict({ latents, mask, interval, label }, past.slots);
  const noise = normalNoise(plan, place, tokenizer.channels, graphs.normalTable);
  const rows = gatherRows(z, place.tokens, backbone.width);
  free(z);
  const sampled = clip(await graphs.sample({ z: rows, noise, times }), latentBound);
  scatterRows(latents, sampled, place.tokens, tokenizer.channels);
  for (const token of place.tokens) mask[token] = 0;
}

/** [S], 1 for the tokens of the steps that are still to come. */
function maskOf(steps: readonly (readonly number[])[], tokens: number): Float32Array {
  const mask = new Float32Array(tokens);
  for (const token of steps.flat()) mask[token] = 1;
  return mask;
}

/** Latents within the bound that holds for all that enters the cache. */
export function clip(latents: Float32Array, bound: number): Float32Array {
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
