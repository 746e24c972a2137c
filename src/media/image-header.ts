import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';

type ImageType = 'png' | 'jpeg' | 'webp';

/** What the first bytes of an image file say about it, before anything is inflated. */
export interface ImageHeader {
  readonly type: ImageType;
  readonly width: number;
  readonly height: number;
}

const field = 'input_reference';

/** Markers without a length (ITU T.81, table B.1) and the stuffed zero: none belongs before the start of frame. */
const isBareMarker = (marker: number) => marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd9);

/**
 * Reads type and size from the headers alone and refuses what is too large or moves.
 * @throws Failure image_type, image_corrupt, image_dimensions, image_animated
 */
export function readImageHeader(bytes: Uint8Array): ImageHeader {
  const header = parse(bytes);
  const pixels = header.width * header.height;
  if (pixels === 0) throw corruptImage('its header says that it is empty');
  const isTooLong = Math.max(header.width, header.height) > limits.imageSide;
  if (pixels > limits.imagePixels || isTooLong) {
    throw new Failure(
      'image_dimensions',
      `${field} is ${header.width}x${header.height} pixels; at most ${limits.imagePixels} pixels are taken, and ${limits.imageSide} on a side. Scale it down.`,
      field,
    );
  }
  return header;
}

/** A refusal of a broken image file; `reason` completes "the image cannot be read:". */
export function corruptImage(reason: string): Failure {
  return new Failure(
    'image_corrupt',
    `${field} cannot be read: ${reason}. Save the image again and send the whole file.`,
    field,
  );
}

/** A refusal of an image that is not too large, but too large for its kind. */
export function heavyImage(kind: string, pixels: number): Failure {
  return new Failure(
    'image_dimensions',
    `${field} is ${kind} of ${pixels} pixels; at most ${limits.heavyImagePixels} are taken of this kind. Scale it down, or save it as PNG of 8 bits.`,
    field,
  );
}

/** A refusal of an image with more than one frame. */
export function animatedImage(): Failure {
  return new Failure(
    'image_animated',
    `${field} is animated; a single still image is taken. Send one frame of it.`,
    field,
  );
}

function parse(bytes: Uint8Array): ImageHeader {
  if (bytes.length === 0) throw corruptImage('the file is empty');
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return parsePng(bytes);
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return parseJpeg(bytes);
  if (text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 12) === 'WEBP') return parseWebp(bytes);
  throw new Failure(
    'image_type',
    `${field} is not a PNG, JPEG or WebP image. Convert it to one of these.`,
    field,
  );
}

function parsePng(bytes: Uint8Array): ImageHeader {
  if (bytes.length < 33 || text(bytes, 12, 16) !== 'IHDR') throw corruptImage('the PNG header is missing');
  const view = dataView(bytes);
  return { type: 'png', width: view.getUint32(16), height: view.getUint32(20) };
}

/** Walks the JPEG segments to the start of frame (ITU T.81, table B.1). */
function parseJpeg(bytes: Uint8Array): ImageHeader {
  const view = dataView(bytes);
  let at = 2;
  while (at + 9 < bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1] as number;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (isBareMarker(marker)) throw corruptImage('the JPEG header is damaged');
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { type: 'jpeg', height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    at += 2 + view.getUint16(at + 2);
  }
  throw corruptImage('the JPEG header is cut off');
}

/** Reads the first chunk of a WebP file (RFC 9649, sections 2.5 to 2.7). */
function parseWebp(bytes: Uint8Array): ImageHeader {
  if (bytes.length < 30) throw corruptImage('the WebP header is cut off');
  const view = dataView(bytes);
  switch (text(bytes, 12, 16)) {
    case 'VP8 ':
      return {
        type: 'webp',
        width: view.getUint16(26, true) & 0x3fff,
        height: view.getUint16(28, true) & 0x3fff,
      };
    case 'VP8L': {
      const bits = view.getUint32(21, true);
      return { type: 'webp', width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 'VP8X': {
      const animationFlag = 0x02;
      if (((bytes[20] as number) & animationFlag) !== 0) throw animatedImage();
      return { type: 'webp', width: uint24(bytes, 24) + 1, height: uint24(bytes, 27) + 1 };
    }
    default:
      throw corruptImage('the WebP header is unknown');
  }
}

function uint24(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
}

function startsWith(bytes: Uint8Array, prefix: number[]): boolean {
  return prefix.every((byte, index) => bytes[index] === byte);
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end));
}

function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
