import { inflateSync } from 'node:zlib';
import { type DecodedPng, decode, encode } from 'fast-png';
import { Failure } from '../contract/failure.ts';
import type { Raster } from '../contract/frame.ts';
import { animatedImage, corruptImage } from './image-header.ts';
import { type PngChunk, pngChunks, pngFile } from './png-chunk.ts';

/** Chunks that decide pixels. All others are dropped unread: profiles and texts can be bombs, too. */
const pixelChunks = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']);

const channelsOfColourType: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** PNG file of an image, without metadata; the same pixels always give the same bytes. */
export function encodePng(raster: Raster): Uint8Array {
  const { width, height, channels, pixels } = raster;
  return encode({ width, height, channels, depth: 8, data: pixels });
}

/** Reads back a PNG that encodePng wrote. */
export function decodeOwnPng(bytes: Uint8Array): Raster {
  const image = decode(bytes);
  return {
    width: image.width,
    height: image.height,
    channels: image.channels as 3 | 4,
    pixels: image.data as Uint8Array,
  };
}

/**
 * Decodes a stranger's PNG file to RGBA. Its size has been checked by readImageHeader. The data are inflated once
 * with a hard stop at the size that the header promises, before the decoder sees them.
 * @throws Failure image_animated, image_inflate_limit, image_corrupt
 */
export function decodeForeignPng(bytes: Uint8Array): Raster {
  const chunks = pngChunks(bytes, corruptImage);
  if (chunks.some((chunk) => chunk.type === 'acTL')) throw animatedImage();
  const [header, ...rest] = chunks;
  if (header?.type !== 'IHDR' || header.data.length !== 13) throw corruptImage('the PNG header is missing');
  // The decoder would believe the last header, while the size was checked in the first.
  if (rest.some((chunk) => chunk.type === 'IHDR')) throw corruptImage('it has more than one PNG header');
  const kept = chunks.filter((chunk) => pixelChunks.has(chunk.type));
  checkInflatedSize(header, kept);
  try {
    return rgbaOf(decode(pngFile(kept)));
  } catch {
    throw corruptImage('its PNG data are damaged');
  }
}

function checkInflatedSize(header: PngChunk, chunks: PngChunk[]): void {
  const promised = inflatedBytes(header);
  const data = Buffer.concat(chunks.filter((chunk) => chunk.type === 'IDAT').map((chunk) => chunk.data));
  let found: number;
  try {
    found = inflateSync(data, { maxOutputLength: promised }).length;
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_BUFFER_TOO_LARGE')
      throw corruptImage('its PNG data are damaged');
    throw new Failure(
      'image_inflate_limit',
      `input_reference holds more data than the ${promised} bytes that its header promises. Save the image again.`,
      'input_reference',
    );
  }
  if (found < promised) throw corruptImage('its PNG data are cut off');
}

/** Bytes of all scanlines with their filter bytes (PNG specification, sections 7 and 8). */
function inflatedBytes(header: PngChunk): number {
  const view = new DataView(header.data.buffer, header.data.byteOffset, header.data.byteLength);
  const [width, height, depth, colourType] = [
    view.getUint32(0),
    view.getUint32(4),
    view.getUint8(8),
    view.getUint8(9),
  ];
  const channels = channelsOfColourType[colourType];
  if (channels === undefined || ![1, 2, 4, 8, 16].includes(depth))
    throw corruptImage('its PNG header is invalid');
  const bitsPerPixel = channels * depth;
  const isInterlaced = view.getUint8(12) === 1;
  if (!isInterlaced) return height * (1 + Math.ceil((width * bitsPerPixel) / 8));
  if (depth < 8) {
    throw new Failure(
      'image_type',
      `input_reference is an interlaced PNG with ${depth} bits a sample; save it without interlacing or with 8 bits.`,
      'input_reference',
    );
  }
  return adam7Bytes(width, height, bitsPerPixel / 8);
}

function adam7Bytes(width: number, height: number, bytesPerPixel: number): number {
  const passes = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ] as const;
  return passes.reduce((sum, [left, top, stepX, stepY]) => {
    const columns = Math.ceil((width - left) / stepX);
    const rows = Math.ceil((height - top) / stepY);
    return columns > 0 && rows > 0 ? sum + rows * (1 + columns * bytesPerPixel) : sum;
  }, 0);
}

function rgbaOf(image: DecodedPng): Raster {
  const { width, height, channels } = image;
  const samples = unpackedSamples(image);
  if (image.palette !== undefined && channels === 1) {
    return { width, height, channels: 4, pixels: coloured(samples, image.palette) };
  }
  const bytes = image.depth === 8 ? samples : scaledTo8Bits(samples, image.depth);
  if (channels === 4) return { width, height, channels: 4, pixels: bytes as Uint8Array };
  const pixels = new Uint8Array(width * height * 4);
  const hasGrey = channels < 3;
  for (let i = 0; i < width * height; i++) {
    const at = i * channels;
    pixels[i * 4] = bytes[at] as number;
    pixels[i * 4 + 1] = bytes[hasGrey ? at : at + 1] as number;
    pixels[i * 4 + 2] = bytes[hasGrey ? at : at + 2] as number;
    pixels[i * 4 + 3] = channels === 2 ? (bytes[at + 1] as number) : 255;
  }
  if (image.transparency !== undefined) clearKeyed(pixels, samples, image.transparency);
  return { width, height, channels: 4, pixels };
}

type Samples = DecodedPng['data'];

/** One sample an entry; those of fewer than 8 bits come packed into bytes, row by row. */
function unpackedSamples({ width, height, depth, data }: DecodedPng): Samples {
  if (depth >= 8) return data;
  const rowBytes = Math.ceil((width * depth) / 8);
  const mask = (1 << depth) - 1;
  const samples = new Uint8Array(width * height);
  for (let i = 0; i < samples.length; i++) {
    const bit = (i % width) * depth;
    const byte = data[Math.floor(i / width) * rowBytes + (bit >> 3)] as number;
    samples[i] = (byte >> (8 - depth - (bit & 7))) & mask;
  }
  return samples;
}

function scaledTo8Bits(samples: Samples, depth: number): Uint8Array {
  const scale = 255 / (2 ** depth - 1);
  const bytes = new Uint8Array(samples.length);
  for (let i = 0; i < samples.length; i++) bytes[i] = Math.round((samples[i] as number) * scale);
  return bytes;
}

/** @throws RangeError for an index beyond the palette */
function coloured(indices: Samples, palette: readonly (readonly number[])[]): Uint8Array {
  const pixels = new Uint8Array(indices.length * 4);
  for (let i = 0; i < indices.length; i++) {
    const entry = palette[indices[i] as number];
    if (entry === undefined) throw new RangeError('palette index out of range');
    for (let channel = 0; channel < 4; channel++) pixels[i * 4 + channel] = entry[channel] ?? 255;
  }
  return pixels;
}

/** Makes the one colour transparent that a tRNS chunk names for images without alpha. */
function clearKeyed(pixels: Uint8Array, samples: Samples, key: Uint16Array): void {
  for (let i = 0; i * 4 < pixels.length; i++) {
    if (key.every((value, channel) => samples[i * key.length + channel] === value)) pixels[i * 4 + 3] = 0;
  }
}
