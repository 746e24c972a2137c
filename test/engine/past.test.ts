import { expect, test } from 'vitest';
import { cacheBytes, type FrameCache, packCache, unpackCache } from '../../src/engine/frame-cache.ts';
import { Past } from '../../src/engine/past.ts';
import { naiveManifest } from './naive-graphs.ts';

const VALUES = 3 * 16 * 5; // [L, S, D]
const blank = new Uint8ClampedArray(64);

/** K and V whose every value is the frame's index plus a tenth of the layer. */
function cacheOf(index: number): FrameCache {
  const k = Float32Array.from({ length: VALUES }, (_, i) => index + Math.floor(i / 80) / 10);
  return packCache(naiveManifest, { k, v: k.map((value) => -value) });
}

/** Which frame every slot holds, in the last layer. */
function framesInSlots({ slots }: Past): (number | null)[] {
  return Array.from(slots.filled, (filled, slot) => {
    const value = slots.k[(2 * 3 + slot) * 80 + 79] as number;
    return filled ? Math.floor(value) : null;
  });
}

function filledTo(cursor: number): Past {
  const past = Past.empty(naiveManifest);
  while (past.cursor < cursor) past.append(cacheOf(past.cursor), blank);
  return past;
}

test('keeps frame 0 in slot 0 and the last W frames right-aligned', () => {
  expect([0, 1, 2, 3, 4, 9].map((cursor) => framesInSlots(filledTo(cursor)))).toEqual([
    [null, null, null],
    [0, null, null],
    [0, null, 1],
    [0, 1, 2],
    [0, 2, 3],
    [0, 7, 8],
  ]);
});

test('names the frames that it needs, and is the same when restored from just these', () => {
  expect(Past.framesNeeded(naiveManifest, 0)).toEqual([]);
  expect(Past.framesNeeded(naiveManifest, 2)).toEqual([0, 1]);
  expect(Past.framesNeeded(naiveManifest, 9)).toEqual([0, 7, 8]);
  for (const cursor of [1, 2, 3, 9]) {
    const restored = Past.restore(naiveManifest, cursor, blank, cacheOf);
    expect(restored.cursor).toBe(cursor);
    expect(restored.slots).toEqual(filledTo(cursor).slots);
  }
});

test('holds in its slots the values of the bytes that are kept, and no other', () => {
  const cache = cacheOf(0);
  const past = Past.restore(naiveManifest, 1, blank, () => cache);
  const kept = unpackCache(naiveManifest, cache);
  for (const layer of [0, 1, 2]) {
    const slot = past.slots.k.subarray(layer * 3 * 80, layer * 3 * 80 + 80); // slot 0 of 3
    expect(slot).toEqual(kept.k.subarray(layer * 80, layer * 80 + 80));
  }
});

test.each([0, 1, cacheBytes(naiveManifest) - 1, cacheBytes(naiveManifest) + 1])(
  'refuses a cache of %i bytes',
  (bytes) => {
    const past = Past.empty(naiveManifest);
    expect(() => past.append(new Uint8Array(bytes), blank)).toThrow(RangeError);
    expect(() => Past.restore(naiveManifest, 1, blank, () => new Uint8Array(bytes))).toThrow('has 600 bytes');
    expect(past.cursor).toBe(0);
  },
);

test('tells the bytes of K and V of a frame as they are kept', () => {
  expect(Past.kvBytes(naiveManifest)).toBe(cacheOf(0).byteLength);
});

test('holds one reference for the whole video, so that who computes with it computes it once', () => {
  const past = Past.empty(naiveManifest);
  expect(past.reference).toBeUndefined();
  past.append(cacheOf(0), blank);
  const { reference } = past;
  past.append(cacheOf(1), new Uint8ClampedArray(64).fill(255));
  expect(reference).toMatchObject({ given: true, colours: Uint8Array.of(0, 0, 0, 0) });
  expect(past.reference).toBe(reference);
});
