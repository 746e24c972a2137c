import { decode, encode } from 'fast-png';
import type { Raster } from '../contract/frame.ts';

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
