import { expect, test } from 'vitest';
import { paint, paletteTensor, referenceOf } from '../../src/engine/reference.ts';

/** RGBA [n] -> pixels. */
const image = (...rgba: number[][]) => Uint8ClampedArray.from(rgba.flat());

test('keeps every colour of a frame exactly, transparent first', () => {
  const pixels = image([9, 8, 7, 255], [0, 0, 0, 0], [1, 2, 3, 255], [9, 8, 7, 255]);
  const { indices, colours } = referenceOf(pixels);
  expect([...colours.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
  expect(paint(indices, colours)).toEqual(pixels);
});

test('treats hidden colours of transparent pixels as one', () => {
  const { indices, colours } = referenceOf(image([200, 0, 0, 0], [0, 99, 0, 0], [5, 5, 5, 255]));
  expect([...indices]).toEqual([0, 0, 1]);
  expect(colours.length).toBe(8);
});

test('keeps 63 solid colours beside transparent exactly', () => {
  const pixels = image(...Array.from({ length: 63 }, (_, i) => [i * 4, 255 - i, i, 255]));
  const { indices, colours } = referenceOf(pixels);
  expect(colours.length).toBe(64 * 4);
  expect(paint(indices, colours)).toEqual(pixels);
});

test('reduces more colours to 64 that stay near', () => {
  const pixels = image(
    ...Array.from({ length: 1024 }, (_, i) => [(i % 32) * 8, Math.floor(i / 32) * 8, 128, 255]),
  );
  const { indices, colours } = referenceOf(pixels);
  expect(colours.length).toBeLessThanOrEqual(64 * 4);
  expect(colours.length).toBeGreaterThan(32 * 4);
  const errors = paint(indices, colours).map((value, i) => Math.abs(value - (pixels[i] as number)));
  expect(errors.reduce((sum, value) => sum + value, 0) / errors.length).toBeLessThan(10);
});

test('marks unused palette entries by alpha -1', () => {
  const tensor = paletteTensor(Uint8Array.of(0, 0, 0, 0, 255, 51, 0, 255));
  expect([...tensor.subarray(0, 8)]).toEqual([0, 0, 0, 0, 1, Math.fround(0.2), 0, 1]);
  expect([...tensor.subarray(8, 12)]).toEqual([0, 0, 0, -1]);
  expect(tensor.length).toBe(64 * 4);
});
