import type { JobSpec } from '../contract/job.ts';
import type { Manifest } from '../contract/manifest.ts';
import { passesPerFrame } from '../engine/partial-frame.ts';
import type { JobRecord } from './job-record.ts';

/** How fast this deployment computes and how long a wake may: configuration, because clocks stand still in Workers. */
export interface Speed {
  readonly multiplyAddsPerSecond: number;
  readonly wakeSeconds: number;
}

/** Multiply-adds of one generated frame: its decode steps, the commit pass, the head for every token, the decoder. */
export function multiplyAddsPerFrame(
  manifest: Manifest,
  { decodeSteps, headSteps }: Pick<JobSpec, 'decodeSteps' | 'headSteps'>,
): number {
  const { backbone, head, decoder } = manifest.graphs;
  const tokens = manifest.tokenizer.tokens;
  const headRow = head.multiplyAdds.fixed + head.multiplyAdds.perStep * headSteps;
  const passes = passesPerFrame(decodeSteps, tokens);
  return passes * backbone.multiplyAdds + tokens * headRow + decoder.multiplyAdds;
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

/** What a wake's passes hold: whole frames, or else a part of one. */
export function chunkOf(
  { cursor, spec }: Pick<JobRecord, 'cursor' | 'spec'>,
  framePasses: number,
  passes: number,
): Chunk {
  if (passes < framePasses) return { endFrame: cursor + 1, passes };
  const endFrame = Math.min(cursor + Math.floor(passes / framePasses), spec.frames);
  return { endFrame, passes: Number.POSITIVE_INFINITY };
}

/** Expected time of one frame in milliseconds, rounded up. */
export function frameMilliseconds(frameMultiplyAdds: number, speed: Speed): number {
  return Math.ceil((frameMultiplyAdds / speed.multiplyAddsPerSecond) * 1000);
}
