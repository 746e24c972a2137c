import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import encodeJpeg, { init as initJpegEncoder } from '@jsquash/jpeg/encode.js';
import encodeWebp, { init as initWebpEncoder } from '@jsquash/webp/encode.js';
import type { Raster } from '../../src/contract/frame.ts';
import type { CodecModules } from '../../src/media/image-decoder.ts';

const resolve = createRequire(import.meta.url).resolve;

async function compiled(path: string): Promise<WebAssembly.Module> {
  return Reflect.construct(WebAssembly.Module, [await readFile(resolve(path))]);
}

/** The decoders' WebAssembly, as the Worker imports it. */
export async function codecModules(): Promise<CodecModules> {
  return {
    jpeg: await compiled('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'),
    webp: await compiled('@jsquash/webp/codec/dec/webp_dec.wasm'),
  };
}

/** RGBA: a red disc with soft edge on transparency. */
export function disc(width: number, height: number): Raster {
  const pixels = new Uint8Array(width * height * 4);
  const radius = Math.min(width, height) / 2;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const distance = Math.hypot(x + 0.5 - width / 2, y + 0.5 - height / 2);
      const alpha = Math.round(255 * Math.max(0, Math.min(1, radius - distance)));
      if (alpha > 0) pixels.set([200, 30 + (x % 64), 40 + (y % 64), alpha], (y * width + x) * 4);
    }
  }
  return { width, height, channels: 4, pixels };
}

/** A raster of one colour. */
export function plain(width: number, height: number, colour: [number, number, number, number]): Raster {
  const pixels = new Uint8Array(width * height * 4);
  for (let at = 0; at < pixels.length; at += 4) pixels.set(colour, at);
  return { width, height, channels: 4, pixels };
}

export async function jpegFile(
  raster: Raster,
  options: Partial<Parameters<typeof encodeJpeg>[1]> = {},
): Promise<Uint8Array> {
  await initJpegEncoder(await compiled('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm'));
  return new Uint8Array(await encodeJpeg(imageData(raster), { quality: 95, ...options }));
}

export async function webpFile(
  raster: Raster,
  options: Partial<Parameters<typeof encodeWebp>[1]> = {},
): Promise<Uint8Array> {
  await initWebpEncoder(await compiled('@jsquash/webp/codec/enc/webp_enc.wasm'));
  return new Uint8Array(await encodeWebp(imageData(raster), { lossless: 1, exact: 1, ...options }));
}

function imageData({ width, height, pixels }: Raster) {
  return { width, height, data: new Uint8ClampedArray(pixels), colorSpace: 'srgb' as const };
}
