const mebibyte = 2 ** 20;

/**
 * What Cloudflare takes of a Worker, as of November 2026.
 * Source: developers.cloudflare.com/workers/platform/limits
 */
export const platformLimits = {
  /** Of all modules together, uncompressed: the only limit of size since September 2026, on every plan. */
  workerBytes: 64 * mebibyte,
  /** Of all modules together, compressed: what the paid plan took before. Kept to, because it also bounds loading. */
  compressedBytes: 10 * mebibyte,
  /** To load the modules and run what is outside of handlers. */
  startupMilliseconds: 1000,
  assetBytes: 25 * mebibyte,
  /** On the free plan; the paid one takes five times as many. */
  assetFiles: 20_000,
} as const;

/** What a deployment is made of. */
export interface BundleFigures {
  readonly workerBytes: number;
  readonly compressedBytes: number;
  /** To load the modules, run what is outside of handlers, and answer once. */
  readonly startupMilliseconds: number;
  readonly largestAssetBytes: number;
  readonly assetFiles: number;
}

/** What of a deployment the platform would refuse; nothing where all is well. */
export function excesses(figures: BundleFigures): string[] {
  const rows = [
    ['modules', figures.workerBytes, platformLimits.workerBytes, 'bytes'],
    ['modules, compressed', figures.compressedBytes, platformLimits.compressedBytes, 'bytes'],
    ['start-up', figures.startupMilliseconds, platformLimits.startupMilliseconds, 'ms'],
    ['largest asset', figures.largestAssetBytes, platformLimits.assetBytes, 'bytes'],
    ['assets', figures.assetFiles, platformLimits.assetFiles, 'files'],
  ] as const;
  return rows
    .filter(([, value, limit]) => !(value <= limit))
    .map(([name, value, limit, unit]) => `${name}: ${value} ${unit}, the limit is ${limit}`);
}
