import { createHash } from 'node:crypto';
import { decodeApng } from 'fast-png';
import { GIFEncoder } from 'gifenc/dist/gifenc.esm.js';
import { describe, expect, it } from 'vitest';
import type { Raster } from '../../src/contract/frame.ts';
import { encodeApng } from '../../src/media/apng.ts';
import { encodeGif } from '../../src/media/gif.ts';
import { decodeOwnPng, encodePng } from '../../src/media/png.ts';
import { enlarged, withoutAlpha } from '../../src/media/raster.ts';
import { spriteSheet } from '../../src/media/sprite-sheet.ts';
import { readGif } from './gif-reader.ts';
import { joined } from './joined.ts';
import { disc, plain } from './sample-image.ts';

const red = plain(4, 3, [255, 0, 0, 255]);
const hole: Raster = { ...red, pixels: red.pixels.slice().fill(0, 0, 4) };

const gif = (frames: Raster[], framesPerSecond: number, scale: number) =>
  joined(encodeGif(frames, framesPerSecond, scale));
const apng = (frames: Raster[]) => joined(encodeApng(frames.map(encodePng), frames.length, 8));

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Few colours, one colour, more than a palette holds, and nothing at all. */
const variety: Raster[] = [
  disc(40, 30),
  plain(40, 30, [1, 2, 3, 255]),
  {
    width: 40,
    height: 30,
    channels: 4,
    pixels: Uint8Array.from({ length: 4800 }, (_, i) => (i % 4 === 3 ? 255 : (i * i * 7 + i) & 255)),
  },
  disc(40, 30),
  plain(40, 30, [9, 200, 3, 0]),
];

/** Makes 10,000 pieces; says how many were made and not yet passed on when the file's pieces came. */
async function mostOutstanding<T>(
  item: T,
  encode: (items: AsyncIterable<T>) => AsyncIterable<Uint8Array>,
): Promise<{ frames: number; outstanding: number; largestPiece: number }> {
  let made = 0;
  async function* items() {
    for (; made < 10_000; ) {
      made += 1;
      yield item;
    }
  }
  let pieces = 0;
  let outstanding = 0;
  let largestPiece = 0;
  for await (const piece of encode(items())) {
    pieces += 1;
    outstanding = Math.max(outstanding, made - pieces);
    largestPiece = Math.max(largestPiece, piece.length);
  }
  return { frames: made, outstanding, largestPiece };
}

describe('long animations', () => {
  it('are made frame by frame, so that their length takes no memory', async () => {
    const made = await mostOutstanding(red, (frames) => encodeGif(frames, 8, 1));
    expect(made).toMatchObject({ frames: 10_000, outstanding: 0 });
    expect(made.largestPiece).toBeLessThan(200);
    const png = await mostOutstanding(encodePng(red), (frames) => encodeApng(frames, 10_000, 8));
    expect(png.frames).toBe(10_000);
    expect(png.outstanding).toBeLessThanOrEqual(0);
    expect(png.largestPiece).toBeLessThan(300);
  });

  it('have the bytes that were made in one piece', async () => {
    expect(sha256(await gif(variety, 8, 3))).toBe(
      '21e699a94fa0aa07314599cee5384e5a127d6cb71622d3cf1143cf6558b5aca2',
    );
    expect(sha256(await apng(variety))).toBe(
      'f883a25a7f613a0cbd57663f9104613b30b1a88bf0072bf02324ba6fce40f6df',
    );
  });

  it('have the bytes that the GIF encoder writes without a pause', async () => {
    const whole = GIFEncoder();
    const palette = [[255, 0, 0]];
    const options = { palette, transparent: false, transparentIndex: 0, repeat: 0 };
    for (const delay of [130, 120]) whole.writeFrame(new Uint8Array(12), 4, 3, { ...options, delay });
    whole.finish();
    expect(await gif([red, red], 8, 1)).toEqual(whole.bytes());
  });
});

describe('GIF', () => {
  it('keeps every colour, and transparent pixels', async () => {
    const seen = readGif(await gif([red, hole], 8, 1));
    expect([seen.width, seen.height, seen.frames.length]).toEqual([4, 3, 2]);
    expect(seen.frames[0]?.pixels).toEqual(red.pixels);
    expect(seen.frames[1]?.pixels).toEqual(hole.pixels);
  });

  it('lasts as long as the video, although it counts hundredths of a second', async () => {
    const seen = readGif(await gif(new Array(16).fill(red), 8, 1));
    expect(new Set(seen.frames.map((frame) => frame.delayHundredths))).toEqual(new Set([12, 13]));
    expect(seen.frames.reduce((sum, frame) => sum + frame.delayHundredths, 0)).toBe(200);
  });

  it('repeats for ever', async () => {
    expect(readGif(await gif([red], 8, 1)).repeats).toBe(0);
  });

  it('is enlarged pixel by pixel', async () => {
    const seen = readGif(await gif([hole], 8, 3));
    expect(seen.frames[0]?.pixels).toEqual(enlarged(hole, 3).pixels);
  });

  it('reduces a frame of more than 256 colours to the nearest ones', async () => {
    const pixels = new Uint8Array(32 * 32 * 4).fill(255);
    for (let i = 0; i < 1024; i++) pixels.set([(i % 32) * 8, Math.floor(i / 32) * 8, 60], i * 4);
    const [frame] = readGif(await gif([{ width: 32, height: 32, channels: 4, pixels }], 8, 1)).frames;
    const distances = pixels.map((value, at) => Math.abs(value - (frame?.pixels[at] as number)));
    expect(distances.reduce((sum, value) => sum + value, 0) / pixels.length).toBeLessThan(6);
  });
});

describe('APNG', () => {
  it('holds the frames exactly, each for 1 / framesPerSecond', async () => {
    const frames = [red, hole, disc(4, 3)];
    const seen = decodeApng(await apng(frames));
    expect(seen.frames.map((frame) => frame.data)).toEqual(frames.map((frame) => frame.pixels));
    expect(seen.frames.map((frame) => frame.delayNumber / frame.delayDenominator)).toEqual([
      0.125, 0.125, 0.125,
    ]);
    expect(seen.numberOfPlays).toBe(0);
  });

  it('shows its first frame to readers that know no animation', async () => {
    expect(decodeOwnPng(await apng([red, hole]))).toEqual(red);
  });

  it('takes frames of three channels, too', async () => {
    const frame = withoutAlpha(red);
    const seen = decodeApng(await apng([frame]));
    expect(seen.frames[0]?.data).toEqual(frame.pixels);
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
