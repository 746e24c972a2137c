import type { JobSpec } from '../contract/job.ts';
import type { Manifest } from '../contract/manifest.ts';

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
  const passes = Math.min(decodeSteps, tokens) + 1;
  const headRow = head.multiplyAdds.fixed + head.multiplyAdds.perStep * headSteps;
  return passes * backbone.multiplyAdds + tokens * headRow + decoder.multiplyAdds;
}

/** Frames of one wake: what fits its CPU time, at least one. */
export function framesPerWake(frameMultiplyAdds: number, speed: Speed): number {
  return Math.max(1, Math.floor((speed.wakeSeconds * speed.multiplyAddsPerSecond) / frameMultiplyAdds));
}

/** Expected time of one frame in milliseconds, rounded up. */
export function frameMilliseconds(frameMultiplyAdds: number, speed: Speed): number {
  return Math.ceil((frameMultiplyAdds / speed.multiplyAddsPerSecond) * 1000);
}
