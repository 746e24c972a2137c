import { describe, expect, test } from 'vitest';
import { cacheBytes, packCache, unpackCache } from '../../src/engine/frame-cache.ts';
import { naiveManifest } from './naive-graphs.ts';

/** The numbers of training/tests/test_frame_cache.py: 2 layers, 3 tokens, 2 channels. */
const manifest = {
  backbone: { ...naiveManifest.backbone, layers: 2, width: 2 },
  tokenizer: { ...naiveManifest.tokenizer, tokens: 3 },
};
const k = Float32Array.of(0.5, 1, -0.5, -0.3, 127, 0.1, 0, 2.5e-45, 0, 1e-45, 0, -2.6e-43);
const v = Float32Array.of(
  -1.5,
  Math.fround(3.3),
  2.5,
  -2.8,
  -127,
  1e-3,
  1e30,
  -7,
  -3e29,
  0.0275590551,
  5e27,
  0,
);
const PACKED =
  '0000803f0402013c00000000010000000000803feddcd43cde89cb6d87c3613d' +
  '017f00da7f0d000200010081ff7f039481007f81da010100';

const size = cacheBytes(naiveManifest);
const numbers = Float32Array.from({ length: 240 }, (_, i) => Math.sin(i * i) * (1 + (i % 5)));
const packed = packCache(naiveManifest, { k: numbers, v: numbers.map((value) => value / 7) });

describe('K and V in 8 bits', () => {
  test('are the bytes that Python makes: ties, extremes, all zero and the smallest numbers among them', () => {
    expect(Buffer.from(packCache(manifest, { k, v })).toString('hex')).toBe(PACKED);
  });

  test('come back as 8 bits times the scale of their channel', () => {
    const back = unpackCache(manifest, Buffer.from(PACKED, 'hex'));
    const scale = Math.fround(Math.fround(3.3) / 127);
    expect([...back.v.slice(0, 6)]).toEqual([
      -1,
      Math.fround(127 * scale),
      3,
      Math.fround(-108 * scale),
      -127,
      0,
    ]);
    expect([...back.k.slice(0, 6)].map((value) => Math.round(value * 127))).toEqual([
      127, 127, 0, -38, 16129, 13,
    ]);
  });

  test('lie within half a step of what they were', () => {
    const back = unpackCache(naiveManifest, packed);
    const scales = new Float32Array(packed.buffer, 0, 15); // [L, D]
    back.k.forEach((value, place) => {
      const step = scales[Math.floor(place / 80) * 5 + (place % 5)] as number;
      expect(Math.abs(value - (numbers[place] as number))).toBeLessThanOrEqual(0.5001 * step);
    });
  });

  test('are the same bytes when packed again', () => {
    expect(packCache(naiveManifest, unpackCache(naiveManifest, packed))).toEqual(packed);
  });

  test('may lie anywhere in a larger buffer', () => {
    const larger = new Uint8Array(size + 7);
    larger.set(packed, 3);
    const back = unpackCache(naiveManifest, larger.subarray(3, 3 + size));
    expect(back).toEqual(unpackCache(naiveManifest, packed));
  });

  test('of another size are refused', () => {
    expect(() => unpackCache(naiveManifest, packed.subarray(1))).toThrow(
      new RangeError(`the cache of a frame has ${size} bytes, got ${size - 1}`),
    );
  });
});
