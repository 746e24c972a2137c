import { describe, expect, it } from 'vitest';
import { runSeed } from './run-seed.ts';
import type { Variant } from './variant.ts';
import { brokenVariants } from './variants.ts';

/** Seeds within which a mistake has to show. */
const seedsPerVariant = 20_000;

describe('the simulated service', () => {
  it('keeps its promises in 5,000 worlds full of faults', () => {
    const failures: string[] = [];
    for (let seed = 1; seed <= 5000; seed++) {
      const failure = runSeed(seed);
      if (failure !== null) failures.push(`npm run simulate -- --seed ${seed} --trace: ${failure}`);
    }
    expect(failures).toEqual([]);
  });

  it('lives through the same world twice alike', () => {
    for (const seed of [1, 7, 123]) expect(traceOf(seed)).toEqual(traceOf(seed));
    expect(traceOf(1)).not.toEqual(traceOf(2));
  });
});

describe('the simulation notices that', () => {
  it.each(Object.entries(brokenVariants))('%s', (_, variant) => {
    expect(firstFailure(variant)).not.toBeNull();
  });
});

function traceOf(seed: number): string[] {
  const lines: string[] = [];
  runSeed(seed, {}, (line) => lines.push(line));
  return lines;
}

function firstFailure(variant: Variant): string | null {
  for (let seed = 1; seed <= seedsPerVariant; seed++) {
    const failure = runSeed(seed, variant);
    if (failure !== null) return failure;
  }
  return null;
}
