import { decodeApng } from 'fast-png';
import { describe, expect, it } from 'vitest';
import type { Raster } from '../../src/contract/frame.ts';
import { encodeApng } from '../../src/media/apng.ts';
import { encodeGif } from '../../src/media/gif.ts';
import { decodeOwnPng, encodePng } from '../../src/media/png.ts';
import { enlarged, withoutAlpha } from '../../src/media/raster.ts';
import { spriteSheet } from '../../src/media/sprite-sheet.ts';
import { readGif } from './gif-reader.ts';
import { disc, plain } from './sample-image.ts';

const red = plain(4, 3, [255, 0, 0, 255]);
const hole: Raster = { ...red, pixels: red.pixels.slice().fill(0, 0, 4) };

describe('GIF', () => {
  it('keeps every colour, and transparent pixels', async () => {
    const gif = readGif(await encodeGif([red, hole], 8, 1));
    expect([gif.width, gif.height, gif.frames.length]).toEqual([4, 3, 2]);
    expect(gif.frames[0]?.pixels).toEqual(red.pixels);
    expect(gif.frames[1]?.pixels).toEqual(hole.pixels);
  });

  it('lasts as long as the video, although it counts hundredths of a second', async () => {
    const gif = readGif(await encodeGif(new Array(16).fill(red), 8, 1));
    expect(new Set(gif.frames.map((frame) => frame.delayHundredths))).toEqual(new Set([12, 13]));
    expect(gif.frames.reduce((sum, frame) => sum + frame.delayHundredths, 0)).toBe(200);
  });

  it('repeats for ever', async () => {
    expect(readGif(await encodeGif([red], 8, 1)).repeats).toBe(0);
  });

  it('is enlarged pixel by pixel', async () => {
    const gif = readGif(await encodeGif([hole], 8, 3));
    expect(gif.frames[0]?.pixels).toEqual(enlarged(hole, 3).pixels);
  });

  it('reduces a frame of more than 256 colours to the nearest ones', async () => {
    const pixels = new Uint8Array(32 * 32 * 4).fill(255);
    for (let i = 0; i < 1024; i++) pixels.set([(i % 32) * 8, Math.floor(i / 32) * 8, 60], i * 4);
    const [frame] = readGif(await encodeGif([{ width: 32, height: 32, channels: 4, pixels }], 8, 1)).frames;
    const distances = pixels.map((value, at) => Math.abs(value - (frame?.pixels[at] as number)));
    expect(distances.reduce((sum, value) => sum + value, 0) / pixels.length).toBeLessThan(6);
  });
});

describe('APNG', () => {
  it('holds the frames exactly, each for 1 / framesPerSecond', () => {
    const frames = [red, hole, disc(4, 3)];
    const apng = decodeApng(encodeApng(frames.map(encodePng), 8));
    expect(apng.frames.map((frame) => frame.data)).toEqual(frames.map((frame) => frame.pixels));
    expect(apng.frames.map((frame) => frame.delayNumber / frame.delayDenominator)).toEqual([
      0.125, 0.125, 0.125,
    ]);
    expect(apng.numberOfPlays).toBe(0);
  });

  it('shows its first frame to readers that know no animation', () => {
    expect(decodeOwnPng(encodeApng([encodePng(red), encodePng(hole)], 8))).toEqual(red);
  });

  it('takes frames of three channels, too', () => {
    const frame = withoutAlpha(red);
    const apng = decodeApng(encodeApng([encodePng(frame)], 8));
    expect(apng.frames[0]?.data).toEqual(frame.pixels);
  });
});

it('lays frames out row by row in a sprite sheet', () => {
  const green = plain(4, 3, [0, 255, 0, 255]);
  const sheet = spriteSheet([red, green, hole], 2);
  expect([sheet.width, sheet.height]).toEqual([8, 6]);
  const at = (x: number, y: number) => [...sheet.pixels.subarray((y * 8 + x) * 4, (y * 8 + x) * 4 + 4)];
  expect(at(0, 0)).toEqual([255, 0, 0, 255]);
  expect(at(7, 2)).toEqual([0, 255, 0, 255]);
  expect(at(0, 3)).toEqual([0, 0, 0, 0]);
  expect(at(1, 3)).toEqual([255, 0, 0, 255]);
  expect(at(4, 3)).toEqual([0, 0, 0, 0]);
});
