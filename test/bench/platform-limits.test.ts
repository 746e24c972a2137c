import { expect, it } from 'vitest';
import { type BundleFigures, excesses, platformLimits } from '../../bench/platform-limits.ts';

const atTheLimits: BundleFigures = {
  workerBytes: platformLimits.workerBytes,
  compressedBytes: platformLimits.compressedBytes,
  startupMilliseconds: platformLimits.startupMilliseconds,
  largestAssetBytes: platformLimits.assetBytes,
  assetFiles: platformLimits.assetFiles,
};

it('a deployment at every limit is taken', () => {
  expect(excesses(atTheLimits)).toEqual([]);
});

it.each(Object.keys(atTheLimits) as (keyof BundleFigures)[])('one more of %s is refused', (figure) => {
  const problems = excesses({ ...atTheLimits, [figure]: atTheLimits[figure] + 1 });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(String(atTheLimits[figure]));
});

it('a figure that could not be measured is refused', () => {
  expect(excesses({ ...atTheLimits, startupMilliseconds: Number.NaN })).toHaveLength(1);
});
