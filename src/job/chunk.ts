import type { Model } from '../backend/backend.ts';
import type { Raster } from '../contract/frame.ts';
import { labelId, type Manifest } from '../contract/manifest.ts';
import type { CachedFrame, GeneratedFrame, GenerationPlan } from '../engine/generation.ts';
import { passesPerFrame } from '../engine/partial-frame.ts';
import { Past } from '../engine/past.ts';
import { decodeOwnPng, encodePng } from '../media/png.ts';
import { withAlpha, withoutAlpha } from '../media/raster.ts';
import { chunkOf, passesPerWake, type Speed } from './frame-cost.ts';
import type { JobRecord } from './job-record.ts';
import type { SqlJobStore } from './sql-job-store.ts';
import type { Piece } from './wake-protocol.ts';

/** The past that a wake goes on from, and what it computes, piece by piece: at most as long as a frame each. */
export interface OpenChunk {
  readonly past: Past;
  readonly pieces: AsyncGenerator<Piece, void>;
}

/**
 * What a wake computes of a job: K and V from latents where the past does not reach the cursor, else frames.
 * @param kept the past as memory has it; undefined: storage has it
 */
export function openChunk(
  store: SqlJobStore,
  job: JobRecord,
  model: Model,
  speed: Speed,
  kept: Past | undefined,
): OpenChunk {
  const { manifest } = model;
  const past = kept ?? storedPast(store, job, manifest);
  const { tokens } = manifest.tokenizer;
  const plan = { ...generationPlan(store, job, manifest), ...chunkOf(job, tokens, speed) };
  if (past.cursor === job.cursor) return { past, pieces: framePieces(model, past, plan) };
  const latentsOf = (frame: number) => store.latents(frame);
  const finished = { ...plan, latentsOf, firstPixels: firstPixels(store) };
  const frames = model.replay(past, job.cursor, finished);
  const { window } = manifest.backbone;
  const framePasses = passesPerFrame(job.spec.decodeSteps, tokens);
  const passes = passesPerWake(job.frameMultiplyAdds, framePasses, speed);
  return { past, pieces: replayPieces(frames, { end: job.cursor, window, passes, framePasses }) };
}

/** The past as storage has it: what a wake goes on from when memory has forgotten. Empty where a row of it is missing. */
function storedPast(store: SqlJobStore, { cursor, pastCursor }: JobRecord, manifest: Manifest): Past {
  const needed = Past.framesNeeded(manifest, pastCursor, cursor);
  const isThere = needed.length > 0 && needed.every((frame) => store.hasCache(frame));
  if (!isThere) return Past.empty(manifest);
  return Past.restore(manifest, pastCursor, firstPixels(store), (frame) => store.cache(frame), cursor);
}

/** Frames, and a part of one where the passes end in it. */
async function* framePieces(model: Model, past: Past, plan: GenerationPlan): AsyncGenerator<Piece, void> {
  const { manifest } = model;
  const { window } = manifest.backbone;
  const frames = model.generate(past, plan);
  try {
    let next = await frames.next();
    for (; !next.done; next = await frames.next()) {
      const { index, latents, cache } = next.value;
      const frame = { index, latents, png: encodePng(displayed(next.value, manifest)) };
      yield { kind: 'frame', frame, cache, window, goesOn: index + 1 < plan.endFrame };
    }
    if (next.value === null) throw new Error('a chunk ended without a frame');
    yield { kind: 'part', partial: next.value };
  } finally {
    await frames.return(null);
  }
}

/** K and V of finished frames, as many a piece as a frame has passes; of those that another one follows in the window. */
async function* replayPieces(
  frames: AsyncGenerator<CachedFrame, void>,
  { end, window, passes, framePasses }: Record<'end' | 'window' | 'passes' | 'framePasses', number>,
): AsyncGenerator<Piece, void> {
  let made: CachedFrame[] = [];
  let left = passes;
  for await (const frame of frames) {
    made.push(frame);
    left -= 1;
    const pastCursor = frame.index + 1;
    const goesOn = left > 0 && pastCursor < end;
    if (goesOn && made.length < framePasses) continue;
    const caches = made.filter(({ index }) => index === 0 || index >= pastCursor - window);
    yield { kind: 'replayed', caches, pastCursor, window, goesOn };
    if (!goesOn) return;
    made = [];
  }
}

function generationPlan(
  store: SqlJobStore,
  job: JobRecord,
  manifest: Manifest,
): Omit<GenerationPlan, 'endFrame' | 'passes'> {
  const { legs, decodeSteps, headSteps, temperature, firstFrameSampling, palette } = job.spec;
  const labels = job.spec.labels.map(({ from, label }) => ({ from, label: knownLabel(manifest, label) }));
  const firstFrame = store.firstFrame();
  const partial = store.partial();
  return {
    ...{ legs, labels, decodeSteps, headSteps, temperature, firstFrameSampling, palette },
    ...(firstFrame === null ? {} : { firstFrame: rgbaPixels(firstFrame) }),
    ...(partial === null ? {} : { partial }),
  };
}

function knownLabel(manifest: Manifest, label: string): number {
  const id = labelId(manifest, label);
  if (id === undefined) throw new Error(`model ${manifest.name} does not know the label ${label}`);
  return id;
}

/** RGBA [h, w, 4] of frame 0 as displayed. */
function firstPixels(store: SqlJobStore): Uint8ClampedArray {
  const [first] = store.frames(0, 1);
  if (first === undefined) throw new Error('the first frame is missing');
  return rgbaPixels(first.png);
}

/** RGBA [h, w, 4]. */
function rgbaPixels(png: Uint8Array): Uint8ClampedArray {
  return new Uint8ClampedArray(withAlpha(decodeOwnPng(png)).pixels);
}

/** The frame with as many channels as the model has. */
function displayed(frame: GeneratedFrame, manifest: Manifest): Raster {
  const { width, height, channels } = manifest.frame;
  const rgba: Raster = { width, height, channels: 4, pixels: new Uint8Array(frame.pixels.buffer.slice(0)) };
  return channels === 4 ? rgba : withoutAlpha(rgba);
}
