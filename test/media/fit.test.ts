import { expect, it } from 'vitest';
import type { Raster } from '../../src/contract/frame.ts';
import { fitted } from '../../src/media/fit.ts';
import { enlarged, withoutAlpha } from '../../src/media/raster.ts';
import { disc, plain } from './sample-image.ts';

const rgba = { width: 16, height: 16, channels: 4 } as const;
const rgb = { width: 16, height: 16, channels: 3 } as const;

function pixel(raster: Raster, x: number, y: number): number[] {
  const at = (y * raster.width + x) * raster.channels;
  return [...raster.pixels.subarray(at, at + raster.channels)];
}

it('takes an image of the right size pixel for pixel', () => {
  expect(fitted(disc(16, 16), rgba)).toEqual(disc(16, 16));
});

it('brings enlarged pixel art back exactly', () => {
  const art = disc(16, 16);
  expect(fitted(enlarged(art, 5), rgba)).toEqual(art);
});

it('averages a photograph of twice the size, where picking pixels would alias', () => {
  const stripes = plain(32, 32, [0, 0, 0, 255]);
  for (let i = 0; i < 32 * 32; i += 2) stripes.pixels.set([255, 255, 255], i * 4);
  expect(pixel(fitted(stripes, rgba), 3, 3)).toEqual([128, 128, 128, 255]);
});

it('averages by visible colour only', () => {
  const half = plain(32, 32, [255, 0, 255, 0]);
  for (let i = 0; i < 32 * 32; i += 2) half.pixels.set([10, 20, 30, 255], i * 4);
  expect(pixel(fitted(half, rgba), 8, 8)).toEqual([10, 20, 30, 128]);
});

it('keeps the aspect, centres and pads with transparency', () => {
  const wide = fitted(plain(40, 20, [9, 8, 7, 255]), rgba);
  expect(pixel(wide, 8, 8)).toEqual([9, 8, 7, 255]);
  expect(pixel(wide, 8, 3)).toEqual([0, 0, 0, 0]);
  expect(pixel(wide, 8, 4)).toEqual([9, 8, 7, 255]);
  expect(pixel(wide, 8, 12)).toEqual([0, 0, 0, 0]);
});

it('enlarges by whole factors only', () => {
  const small = fitted(plain(5, 5, [9, 8, 7, 255]), rgba);
  const opaque = small.pixels.filter((_, at) => at % 4 === 3 && small.pixels[at] === 255);
  expect(opaque.length).toBe(15 * 15);
});

it('fits the most extreme shape', () => {
  expect(fitted(plain(4000, 1, [1, 2, 3, 255]), rgba).pixels.length).toBe(16 * 16 * 4);
  expect(fitted(plain(1, 4000, [1, 2, 3, 255]), rgba).pixels.length).toBe(16 * 16 * 4);
});

it('puts transparent images on grey for models without alpha', () => {
  const frame = fitted(plain(16, 16, [255, 0, 0, 128]), rgb);
  expect(frame.channels).toBe(3);
  expect(pixel(frame, 8, 8)).toEqual([192, 64, 64]);
});

/** A film frame of 100x50: blue, its middle square red. */
function filmFrame(): Raster {
  const image = plain(100, 50, [0, 0, 255, 255]);
  for (let y = 0; y < 50; y++)
    for (let x = 25; x < 75; x++) image.pixels.set([255, 0, 0, 255], (y * 100 + x) * 4);
  return image;
}

it('fills the frame of a model without alpha with the middle of an image', () => {
  expect(fitted(filmFrame(), rgb)).toEqual(withoutAlpha(plain(16, 16, [255, 0, 0, 255])));
});

it('fills a frame that is no square, and one larger than the image', () => {
  const wide = fitted(filmFrame(), { width: 160, height: 80, channels: 3 });
  expect([wide.width, wide.height, wide.pixels.length]).toEqual([160, 80, 160 * 80 * 3]);
  expect([pixel(wide, 39, 40), pixel(wide, 40, 40)]).toEqual([
    [0, 0, 255],
    [255, 0, 0],
  ]);
  const tall = fitted(filmFrame(), { width: 80, height: 160, channels: 3 });
  expect([pixel(tall, 0, 0), pixel(tall, 79, 159)]).toEqual([
    [255, 0, 0],
    [255, 0, 0],
  ]);
});

it('takes an image of the right size pixel for pixel for models without alpha, too', () => {
  const opaque = withoutAlpha(disc(16, 16));
  expect(fitted(opaque, rgb)).toEqual(opaque);
});

it('fills a frame from the most extreme shape', () => {
  expect(fitted(plain(4000, 1, [1, 2, 3, 255]), rgb).pixels.length).toBe(16 * 16 * 3);
  expect(fitted(plain(1, 4000, [1, 2, 3, 255]), rgb).pixels.length).toBe(16 * 16 * 3);
});

it('clears the colour of invisible pixels', () => {
  expect(pixel(fitted(plain(16, 16, [250, 250, 250, 0]), rgba), 2, 2)).toEqual([0, 0, 0, 0]);
});
