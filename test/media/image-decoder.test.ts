import { deflateSync } from 'node:zlib';
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/contract/config.ts';
import type { FailureCode } from '../../src/contract/failure.ts';
import { encodeApng } from '../../src/media/apng.ts';
import { type ImageDecoder, imageDecoder } from '../../src/media/image-decoder.ts';
import { encodePng } from '../../src/media/png.ts';
import { type PngChunk, pngChunks, pngFile } from '../../src/media/png-chunk.ts';
import { joined } from './joined.ts';
import { codecModules, disc, jpegFile, plain, webpFile } from './sample-image.ts';

const decode: ImageDecoder = imageDecoder(await codecModules());

async function refusal(bytes: Uint8Array): Promise<FailureCode> {
  try {
    await decode(bytes);
  } catch (error) {
    return (error as { code: FailureCode }).code;
  }
  throw new Error('the image was taken');
}

function pngHeader(width: number, height: number, depth = 8, colourType = 6): PngChunk {
  const data = new Uint8Array(13);
  const view = new DataView(data.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  data.set([depth, colourType], 8);
  return { type: 'IHDR', data };
}

const pngEnd: PngChunk = { type: 'IEND', data: new Uint8Array(0) };

function pngOf(header: PngChunk, inflated: Uint8Array, extra: PngChunk[] = []): Uint8Array {
  return pngFile([header, ...extra, { type: 'IDAT', data: deflateSync(inflated) }, pngEnd]);
}

describe('PNG', () => {
  it('comes back pixel for pixel, transparency included', async () => {
    const image = disc(20, 13);
    expect(await decode(encodePng(image))).toEqual(image);
  });

  it('of 16 bits, grey, grey with alpha and RGB becomes RGBA of 8 bits', async () => {
    const one = { width: 1, height: 1 };
    const rgb16 = encode({ ...one, channels: 3, depth: 16, data: Uint16Array.of(65535, 32896, 0) });
    expect([...(await decode(rgb16)).pixels]).toEqual([255, 128, 0, 255]);
    const grey = encode({ ...one, channels: 1, depth: 8, data: Uint8Array.of(77) });
    expect([...(await decode(grey)).pixels]).toEqual([77, 77, 77, 255]);
    const greyAlpha = encode({ ...one, channels: 2, depth: 8, data: Uint8Array.of(77, 9) });
    expect([...(await decode(greyAlpha)).pixels]).toEqual([77, 77, 77, 9]);
  });

  it('with a palette of 2 bits and transparent entries becomes RGBA', async () => {
    const palette = { type: 'PLTE', data: Uint8Array.of(1, 2, 3, 40, 50, 60, 7, 8, 9) };
    const transparency = { type: 'tRNS', data: Uint8Array.of(255, 0) };
    // Filter byte, then the indices 0 1 2 of 2 bits each.
    const file = pngOf(pngHeader(3, 1, 2, 3), Uint8Array.of(0, 0b00_01_10_00), [palette, transparency]);
    expect([...(await decode(file)).pixels]).toEqual([1, 2, 3, 255, 40, 50, 60, 0, 7, 8, 9, 255]);
  });

  it('interlaced comes back pixel for pixel', async () => {
    const image = disc(21, 11);
    const { width, height, pixels } = image;
    const file = encode({ width, height, channels: 4, depth: 8, data: pixels }, { interlace: 'Adam7' });
    expect(await decode(file)).toEqual(image);
  });

  it('with too many pixels is refused by its header, although the data are missing', async () => {
    const side = Math.ceil(Math.sqrt(limits.imagePixels)) + 1;
    expect(await refusal(pngOf(pngHeader(side, side), new Uint8Array(1)))).toBe('image_dimensions');
    expect(await refusal(pngOf(pngHeader(4_294_967_295, 1), new Uint8Array(1)))).toBe('image_dimensions');
  });

  it('that inflates to more than its header promises is refused without inflating it all', async () => {
    const bomb = pngOf(pngHeader(8, 8), new Uint8Array(64 * 1024 * 1024));
    const before = process.memoryUsage().arrayBuffers;
    expect(await refusal(bomb)).toBe('image_inflate_limit');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
  });

  it('may carry a bomb in a text or a profile, which is never inflated', async () => {
    const image = disc(8, 8);
    const [header, ...rest] = pngChunks(encodePng(image), (reason) => new Error(reason));
    const bomb = deflateSync(new Uint8Array(64 * 1024 * 1024));
    const profile = new Uint8Array(bomb.length + 3);
    profile.set([97, 0, 0]);
    profile.set(bomb, 3);
    const file = pngFile([header as PngChunk, { type: 'iCCP', data: profile }, ...rest]);
    const before = process.memoryUsage().arrayBuffers;
    expect(await decode(file)).toEqual(image);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
  });

  it('that is truncated, empty, damaged or cut off inside its data is corrupt', async () => {
    const file = encodePng(disc(16, 16));
    expect(await refusal(new Uint8Array(0))).toBe('image_corrupt');
    expect(await refusal(file.subarray(0, 20))).toBe('image_corrupt');
    expect(await refusal(file.subarray(0, file.length - 20))).toBe('image_corrupt');
    const flipped = file.slice();
    flipped[60] = (flipped[60] as number) ^ 1;
    expect(await refusal(flipped)).toBe('image_corrupt');
    expect(await refusal(pngOf(pngHeader(8, 8), new Uint8Array(10)))).toBe('image_corrupt');
    expect(await refusal(pngOf(pngHeader(0, 8), new Uint8Array(10)))).toBe('image_corrupt');
    expect(await refusal(pngOf(pngHeader(8, 8, 3), new Uint8Array(10)))).toBe('image_corrupt');
  });

  it('with animation is refused', async () => {
    const frame = encodePng(disc(8, 8));
    expect(await refusal(await joined(encodeApng([frame, frame], 2, 8)))).toBe('image_animated');
  });
});

describe('JPEG and WebP', () => {
  it('are decoded to RGBA', async () => {
    const jpeg = await decode(await jpegFile(plain(24, 16, [200, 100, 50, 255])));
    expect([jpeg.width, jpeg.height]).toEqual([24, 16]);
    expect(Math.abs((jpeg.pixels[0] as number) - 200)).toBeLessThan(4);
    expect(jpeg.pixels[3]).toBe(255);
    const image = disc(20, 14);
    expect(await decode(await webpFile(image))).toEqual(image);
  });

  it('with too many pixels are refused by their headers', async () => {
    const jpeg = (await jpegFile(plain(16, 16, [1, 2, 3, 255]))).slice();
    const frame = jpeg.findIndex(
      (byte, at) => byte === 0xff && [0xc0, 0xc2].includes(jpeg[at + 1] as number),
    );
    jpeg.set([0xff, 0xff, 0xff, 0xff], frame + 5);
    expect(await refusal(jpeg)).toBe('image_dimensions');
    const webp = (await webpFile(disc(20, 14))).slice();
    webp.set(
      [0xff, 0xff, 0xff, 0x0f],
      webp.findIndex((_, at) => String.fromCharCode(...webp.subarray(at, at + 4)) === 'VP8L') + 9,
    );
    expect(await refusal(webp)).toBe('image_dimensions');
  });

  it('whose JPEG header is hidden behind a marker without a length are corrupt', async () => {
    const jpeg = (await jpegFile(plain(24, 16, [200, 100, 50, 255]))).subarray(2);
    // Whoever takes FF E0, with which the image goes on, for the marker's length finds another header there: 1x1 pixels.
    const beyond = new Uint8Array(0xffe0 - jpeg.length);
    const small = [0xff, 0xc0, 0, 11, 8, 0, 1, 0, 1, 1, 1, 0x11, 0, 0xff, 0xd9];
    for (const marker of [0x00, 0x01, 0xd0, 0xd7, 0xd8, 0xd9]) {
      const file = Uint8Array.of(0xff, 0xd8, 0xff, marker, ...jpeg, ...beyond, ...small);
      expect(await refusal(file)).toBe('image_corrupt');
    }
  });

  it('that are truncated are corrupt', async () => {
    const jpeg = await jpegFile(disc(64, 64));
    expect(await refusal(jpeg.subarray(0, jpeg.length / 2))).toBe('image_corrupt');
    expect(await refusal(jpeg.subarray(0, 8))).toBe('image_corrupt');
    const webp = await webpFile(disc(64, 64));
    expect(await refusal(webp.subarray(0, webp.length / 2))).toBe('image_corrupt');
    expect(await refusal(webp.subarray(0, 16))).toBe('image_corrupt');
  });

  it('are decoded again after a broken one', async () => {
    const image = disc(64, 64);
    const webp = await webpFile(image);
    const broken = webp.slice();
    broken.fill(0x5a, 40, webp.length - 10);
    await refusal(broken).catch(() => undefined);
    expect(await decode(webp)).toEqual(image);
  });

  it('whose WebP canvas has another size than the image in it are corrupt', async () => {
    const image = (await webpFile(disc(20, 14))).subarray(12);
    const canvas = (width: number, height: number) => {
      const size = image.length + 22;
      const head = [...'RIFF'].map((character) => character.charCodeAt(0));
      const body = [...'WEBPVP8X\x0a\0\0\0'].map((character) => character.charCodeAt(0));
      const hasAlpha = 0x10;
      const extent = [hasAlpha, 0, 0, 0, width - 1, 0, 0, height - 1, 0, 0];
      return Uint8Array.of(...head, size & 0xff, size >> 8, 0, 0, ...body, ...extent, ...image);
    };
    expect(await decode(canvas(20, 14))).toEqual(disc(20, 14));
    expect(await refusal(canvas(2, 2))).toBe('image_corrupt');
  });

  it('of an animated WebP is refused', async () => {
    const header = [...'RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0'].map((character) => character.charCodeAt(0));
    const file = Uint8Array.of(...header, 0x02, 0, 0, 0, 9, 0, 0, 9, 0, 0, ...new Array(20).fill(0));
    expect(await refusal(file)).toBe('image_animated');
  });
});

it('refuses anything else by its type: SVG, HTML, GIF, noise', async () => {
  for (const text of [
    '<svg xmlns="http://www.w3.org/2000/svg"/>',
    '<!doctype html>',
    'GIF89a\x01\0\x01\0',
    '\x01\x02\x03',
  ]) {
    expect(await refusal(new TextEncoder().encode(text))).toBe('image_type');
  }
});
