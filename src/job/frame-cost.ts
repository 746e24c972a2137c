import type { JobSpec } from '../contract/job.ts';
import type { Manifest } from '../contract/manifest.ts';
import type { Sampling } from '../contract/sampling.ts';
import { passesPerFrame } from '../engine/partial-frame.ts';
import type { NewJob } from './job-directory.ts';
import type { JobRecord } from './job-record.ts';

/** How fast this deployment computes and how long a wake may: configuration, because clocks stand still in Workers. */
export interface Speed {
  readonly multiplyAddsPerSecond: number;
  readonly wakeSeconds: number;
}

/** Multiply-adds of one generated frame: its decode steps, the commit pass, the head for every token, the decoder. */
export function multiplyAddsPerFrame(
  manifest: Manifest,
  { decodeSteps, headSteps }: Pick<Sampling, 'decodeSteps' | 'headSteps'>,
): number {
  const { backbone, head, sketch, decoder } = manifest.graphs;
  const tokens = manifest.tokenizer.tokens;
  const headRow = head.multiplyAdds.fixed + head.multiplyAdds.perStep * headSteps;
  const passes = passesPerFrame(decodeSteps, tokens);
  const drawing = (sketch?.multiplyAdds ?? 0) + decoder.multiplyAdds;
  return passes * backbone.multiplyAdds + tokens * headRow + drawing;
}

/** What the frames of a job cost to compute: each one, and the first where the model draws it. */
export function jobCost(
  manifest: Manifest,
  spec: JobSpec,
): Pick<NewJob, 'frameMultiplyAdds' | 'firstFrameMultiplyAdds'> {
  return {
    frameMultiplyAdds: multiplyAddsPerFrame(manifest, spec),
    firstFrameMultiplyAdds: multiplyAddsPerFrame(manifest, spec.firstFrameSampling),
  };
}

/**
 * What a frame of an order costs to compute, on average over all its frames, which have one price: frame 0 has steps of
 * its own where the model draws it.
 */
export function meanMultiplyAdds(
  { frameMultiplyAdds, firstFrameMultiplyAdds }: ReturnType<typeof jobCost>,
  { frames, drawsFirst }: { readonly frames: number; readonly drawsFirst: boolean },
): number {
  return drawsFirst
    ? (firstFrameMultiplyAdds + (frames - 1) * frameMultiplyAdds) / frames
    : frameMultiplyAdds;
}

/**
 * Passes of the backbone, each with its share of a frame's other work, that fit the CPU time of a wake: those of whole
 * frames, or else as many as fit, at least one.
 */
export function passesPerWake(
  frameMultiplyAdds: number,
  framePasses: number,
  { multiplyAddsPerSecond, wakeSeconds }: Speed,
): number {
  const frames = (wakeSeconds * multiplyAddsPerSecond) / frameMultiplyAdds;
  return frames < 1 ? Math.max(1, Math.floor(frames * framePasses)) : Math.floor(frames) * framePasses;
}

/** Frames that one wake computes. */
export interface Chunk {
  readonly endFrame: number;
  /** Passes of the backbone; fewer than a frame's where not even one frame fits. */
  readonly passes: number;
}

/** What a wake computes from the cursor on: whole frames, or else a part of one. */
export function chunkOf(job: JobAtCursor, tokens: number, speed: Speed): Chunk {
  const { cursor, spec, frameMultiplyAdds } = job;
  const next = nextFrameMultiplyAdds(job);
  const budget = speed.wakeSeconds * speed.multiplyAddsPerSecond;
  if (budget < next) {
    const { decodeSteps } = isFirstDrawn(job) ? spec.firstFrameSampling : spec;
    const framePasses = passesPerFrame(decodeSteps, tokens);
    return { endFrame: cursor + 1, passes: passesPerWake(next, framePasses, speed) };
  }
  const endFrame = cursor + 1 + Math.floor((budget - next) / frameMultiplyAdds);
  return { endFrame: Math.min(endFrame, spec.frames), passes: Number.POSITIVE_INFINITY };
}

type JobAtCursor = Pick<
  JobRecord,
  'cursor' | 'spec' | 'isFirstGiven' | 'frameMultiplyAdds' | 'firstFrameMultiplyAdds'
>;

/** What the frame at the cursor costs: the first one, where the model draws it, has steps of its own. */
export function nextFrameMultiplyAdds(job: Omit<JobAtCursor, 'spec'>): number {
  return isFirstDrawn(job) ? job.firstFrameMultiplyAdds : job.frameMultiplyAdds;
}

function isFirstDrawn({ cursor, isFirstGiven }: Pick<JobRecord, 'cursor' | 'isFirstGiven'>): boolean {
  return cursor === 0 && !isFirstGiven;
}

/** Expected time of one frame in milliseconds, rounded up. */
export function frameMilliseconds(frameMultiplyAdds: number, speed: Speed): number {
  return Math.ceil((frameMultiplyAdds / speed.multiplyAddsPerSecond) * 1000);
}
