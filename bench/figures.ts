import type { ApiFigures } from './api-figures.ts';

/** Of the model alone, without jobs. */
export interface ModelFigures {
  readonly framesPerSecond: number;
  readonly multiplyAddsPerFrame: number;
  readonly ceilingMultiplyAddsPerSecond: number;
  readonly ceilingShare: number;
  readonly costRatio200over20: number;
  readonly wasmMemoryMiB: number;
  readonly sessionStartMs: number;
  readonly kvBytesPerFrame: number;
  /** K and V that a job keeps: of the first frame and a window. */
  readonly kvBytesPerJob: number;
}

/** Of one long job. */
export interface JobFigures {
  /** Time beside computing (storage, alarms, settlement) over time for computing. */
  readonly durabilityShare: number;
  readonly costRatio1000over50: number;
  readonly rowsWrittenPerFrame: number;
  readonly objectRequestsPerFrame: number;
  /** Of a finished job, K and V apart. */
  readonly storedBytesPerFrame: number;
}

/** What the benchmark measures, by the keys of its last line. */
export type Figures = ModelFigures & JobFigures & ApiFigures;

/** Frames either side of a frame that stand for it. */
const neighbours = 8;

/** Work is the same in every frame of the neighbourhood: what makes one slower is the machine. */
export function quickestAround(values: readonly number[], index: number): number {
  return Math.min(...values.slice(index - neighbours, index + neighbours));
}
