import decodeJpeg, { init as initJpeg } from '@jsquash/jpeg/decode.js';
import decodeWebp, { init as initWebp } from '@jsquash/webp/decode.js';
import type { Raster } from '../contract/frame.ts';
import { corruptImage, type ImageType, readImageHeader } from './image-header.ts';
import { decodeForeignPng } from './png.ts';

/** The decoders' compiled WebAssembly: Workers allow no compilation at run time, so it is handed in. */
export interface CodecModules {
  readonly jpeg: WebAssembly.Module;
  readonly webp: WebAssembly.Module;
}

/** Decodes the bytes of an image file to RGBA. */
export type ImageDecoder = (bytes: Uint8Array) => Promise<Raster>;

/**
 * Makes a decoder of PNG, JPEG and WebP for files from strangers: the type is told by content, not by name, and
 * the size checked from the header before anything is inflated, and once more against what was decoded.
 * @throws Failure any of the image codes
 */
export function imageDecoder(modules: CodecModules): ImageDecoder {
  return async (bytes) => {
    const { type, width, height } = readImageHeader(bytes);
    const image = await decodedAs(type, bytes, modules);
    if (image.width !== width || image.height !== height)
      throw corruptImage(
        `its header says ${width}x${height} pixels, its data ${image.width}x${image.height}`,
      );
    return image;
  };
}

async function decodedAs(type: ImageType, bytes: Uint8Array, modules: CodecModules): Promise<Raster> {
  switch (type) {
    case 'png':
      return decodeForeignPng(bytes);
    case 'jpeg':
      if (!hasEndOfImage(bytes)) throw corruptImage('the JPEG file is cut off');
      await initJpeg(modules.jpeg);
      return decoded(decodeJpeg, bytes);
    case 'webp':
      await initWebp(modules.webp);
      return decoded(decodeWebp, bytes);
  }
}

/** What the decoders answer: RGBA. */
interface DecodedPixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/** A fresh instance for each image: one broken file may leave a decoder's memory in any state. */
async function decoded(
  decode: (data: ArrayBuffer) => Promise<DecodedPixels>,
  bytes: Uint8Array,
): Promise<Raster> {
  try {
    const image = await decode(bytes.slice().buffer);
    return { width: image.width, height: image.height, channels: 4, pixels: new Uint8Array(image.data) };
  } catch {
    throw corruptImage('its data are damaged');
  }
}

/** The decoder fills what is missing of a truncated JPEG with grey, so its end marker is looked for here. */
function hasEndOfImage(bytes: Uint8Array): boolean {
  for (let at = bytes.length - 2; at >= 0; at--)
    if (bytes[at] === 0xff && bytes[at + 1] === 0xd9) return true;
  return false;
}
