/** What the benchmark measures, by the keys of its last line. */
export interface Figures {
  readonly framesPerSecond: number;
  readonly multiplyAddsPerFrame: number;
  readonly ceilingMultiplyAddsPerSecond: number;
  readonly ceilingShare: number;
  readonly costRatio200over20: number;
  readonly wasmMemoryMiB: number;
  readonly sessionStartMs: number;
  readonly kvBytesPerFrame: number;
}
