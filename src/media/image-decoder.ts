import decodeJpeg, { init as initJpeg } from '@jsquash/jpeg/decode.js';
import decodeWebp, { init as initWebp } from '@jsquash/webp/decode.js';
import type { Raster } from '../contract/frame.ts';
import { decodeForeignPng } from './foreign-png.ts';
import { corruptImage, type ImageHeader, readImageHeader } from './image-header.ts';
import { checkScans } from './jpeg-scans.ts';

/** The decoders' compiled WebAssembly: Workers allow no compilation at run time, so it is handed in. */
export interface CodecModules {
  readonly jpeg: WebAssembly.Module;
  readonly webp: WebAssembly.Module;
}

/** What `init` of the decoders takes; their types know one parameter of the two. */
type Init = (module: WebAssembly.Module, options: object) => Promise<void>;

/** The decoders would write what they think of a file into the log. */
const silent = { printErr: () => undefined };

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
    const image = await decodedAs({ type, width, height }, bytes, modules);
    if (image.width !== width || image.height !== height)
      throw corruptImage(
        `its header says ${width}x${height} pixels, its data ${image.width}x${image.height}`,
      );
    return image;
  };
}

async function decodedAs(
  { type, width, height }: ImageHeader,
  bytes: Uint8Array,
  modules: CodecModules,
): Promise<Raster> {
  switch (type) {
    case 'png':
      return decodeForeignPng(bytes);
    case 'jpeg':
      checkScans(bytes, width * height);
      await (initJpeg as Init)(modules.jpeg, silent);
      return decoded(decodeJpeg, bytes);
    case 'webp':
      await (initWebp as Init)(modules.webp, silent);
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
    const { width, height, data } = await decode(bytes.slice().buffer);
    const pixels = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return { width, height, channels: 4, pixels };
  } catch {
    throw corruptImage('its data are damaged');
  }
}
