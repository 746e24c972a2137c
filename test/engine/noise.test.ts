import { expect, test } from 'vitest';
import { noiseWords, normalDeviate, normalNoise } from '../../src/engine/noise.ts';

const quantiles = Float32Array.of(-2, -1, 0, 1, 2);

test('interpolates linearly between the quantiles', () => {
  expect(normalDeviate(0, quantiles, 1)).toBe(-2);
  expect(normalDeviate(2 ** 31, quantiles, 1)).toBe(0);
  expect(normalDeviate(2 ** 29, quantiles, 1)).toBe(-1.5);
  expect(normalDeviate(2 ** 32 - 1, quantiles, 1)).toBeCloseTo(2, 6);
});

test('scales by the temperature before it rounds to single precision', () => {
  expect(normalDeviate(2 ** 29, quantiles, 0.1)).toBe(Math.fround(-1.5 * 0.1));
  expect(normalDeviate(2 ** 29, quantiles, 0)).toBe(-0);
});

test('draws a token the same whatever tokens are drawn with it', () => {
  const draw = (tokens: number[]) =>
    normalNoise({ seed: 5, temperature: 1 }, { frame: 2, decodeStep: 3, tokens }, 6, quantiles);
  expect(draw([1, 4, 9]).subarray(6, 12)).toEqual(draw([4]));
});

test('uses lane l for channels 4l to 4l + 3', () => {
  const noise = normalNoise(
    { seed: 5, temperature: 1 },
    { frame: 2, decodeStep: 3, tokens: [8] },
    6,
    quantiles,
  );
  const lanes = [0, 1].flatMap((lane) => [...noiseWords(5, { frame: 2, decodeStep: 3, token: 8 }, lane)]);
  expect([...noise]).toEqual(lanes.slice(0, 6).map((word) => normalDeviate(word, quantiles, 1)));
});

test('keys seeds beyond 32 bits by both words', () => {
  const place = { frame: 0, decodeStep: 1, token: 0 };
  expect(noiseWords(2 ** 52 + 1, place, 0)).not.toEqual(noiseWords(1, place, 0));
});
