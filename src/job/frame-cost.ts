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

/** What one wake computes. */
export interface Chunk {
  readonly endFrame: number;
  /** Passes of the backbone; fewer than a frame's where not even one frame fits. */
  readonly passes: number;
}

/** What fits the CPU time of a wake: whole frames, or else as many passes as fit, at least one. */
export function chunkOf(
  job: Pick<JobRecord, 'cursor' | 'frameMultiplyAdds' | 'spec'>,
  framePasses: number,
  { multiplyAddsPerSecond, wakeSeconds }: Speed,
): Chunk {
  const frames = (wakeSeconds * multiplyAddsPerSecond) / job.frameMultiplyAdds;
  if (frames < 1) return { endFrame: job.cursor + 1, passes: Math.max(1, Math.floor(frames * framePasses)) };
  return {
    endFrame: Math.min(job.cursor + Math.floor(frames), job.spec.frames),
    passes: Number.POSITIVE_INFINITY,
  };
}

/** Expected time of one frame in milliseconds, rounded up. */
export function frameMilliseconds(frameMultiplyAdds: number, speed: Speed): number {
  return Math.ceil((frameMultiplyAdds / speed.multiplyAddsPerSecond) * 1000);
}
