import { expect, it } from 'vitest';
import { Past } from '../../src/engine/past.ts';
import { PastCache } from '../../src/job/past-cache.ts';
import { sampleManifest } from '../contract/sample-manifest.ts';

const past = () => Past.empty(sampleManifest);
const one = past().bytes;

it('gives a past back once, to the job that left it', () => {
  const cache = new PastCache(10 * one);
  const kept = past();
  cache.put('a', kept);
  expect(cache.take('b', 0)).toBeUndefined();
  expect(cache.take('a', 0)).toBe(kept);
  expect(cache.take('a', 0)).toBeUndefined();
});

it('drops a past that stands before another frame than storage does', () => {
  const cache = new PastCache(10 * one);
  cache.put('a', past());
  expect(cache.take('a', 1)).toBeUndefined();
});

it('forgets the longest unused beyond its bytes', () => {
  const cache = new PastCache(2 * one);
  for (const job of ['a', 'b', 'c']) cache.put(job, past());
  expect(['a', 'b', 'c'].map((job) => cache.take(job, 0) !== undefined)).toEqual([false, true, true]);
});

it('keeps nothing that is larger than all it may keep', () => {
  const cache = new PastCache(one - 1);
  cache.put('a', past());
  expect(cache.take('a', 0)).toBeUndefined();
});
