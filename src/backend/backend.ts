import type { Manifest } from '../contract/manifest.ts';
import type { CachedFrame, FinishedFrames, GeneratedFrame, GenerationPlan } from '../engine/generation.ts';
import type { PartialFrame } from '../engine/partial-frame.ts';
import type { Past } from '../engine/past.ts';

/**
 * Who computes. One lease at a time: there is one WebAssembly runtime in an isolate, and nobody may
 * wait for a promise of another Durable Object. Whoever finds it taken comes back by a timer.
 */
export interface Backend {
  /**
   * What a model is, without loading it.
   * @throws ModelFileError for an unknown model or a broken manifest
   */
  manifest(modelName: string): Promise<Manifest>;
  /**
   * What a job pins: SHA-256 over the hashes of graphs and weights and the runtime's version.
   * @throws ModelFileError as `manifest`
   */
  build(modelName: string): Promise<string>;
  /** The right to compute, or undefined while somebody else has it. */
  tryAcquire(): Lease | undefined;
}

/**
 * The right to compute, until released, or until it was not used for `leaseMs` (its owner was
 * evicted). Every pass of the backbone renews it. A lease that was lost throws LeaseLost.
 */
export interface Lease {
  /**
   * The model, loaded and checked; at once if it was loaded before.
   * @throws ModelFileError for a missing or wrong file, naming it
   */
  open(modelName: string): Promise<Model>;
  release(): void;
}

/** A loaded model, usable while its lease is held. */
export interface Model {
  readonly manifest: Manifest;
  /**
   * The frames from `past.cursor` to `plan.endFrame`, as far as `plan.passes` reach; `past` moves on
   * with each. Returns the frame that the passes ended in, null where they ended between two. The
   * consumer may stop after any frame and go on later from the same past, or from one restored from
   * what was kept.
   */
  generate(past: Past, plan: GenerationPlan): AsyncGenerator<GeneratedFrame, PartialFrame | null>;
  /**
   * K and V of the frames that the frame at `end` depends on, made anew from latents by one pass each; `past` moves
   * on with each, up to `end`. The consumer may stop and go on as with `generate`.
   */
  replay(past: Past, end: number, finished: FinishedFrames): AsyncGenerator<CachedFrame, void>;
}
