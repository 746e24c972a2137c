import { expect, test } from 'vitest';
import { Past } from '../../src/engine/past.ts';
import { naiveManifest } from './naive-graphs.ts';

const VALUES = 3 * 16 * 5; // [L, S, D]
const blank = new Uint8ClampedArray(64);

/** K and V whose every value is the frame's index plus a tenth of the layer. */
function cacheOf(index: number) {
  const k = Float32Array.from({ length: VALUES }, (_, i) => index + Math.floor(i / 80) / 10);
  return { k, v: k.map((value) => -value) };
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

test('refuses K and V of another size', () => {
  const past = Past.empty(naiveManifest);
  expect(() => past.append({ k: new Float32Array(3), v: new Float32Array(3) }, blank)).toThrow('240 values');
});

test('tells the bytes of K and V of a frame', () => {
  expect(Past.kvBytes(naiveManifest)).toBe(2 * VALUES * 4);
});
