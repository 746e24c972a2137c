import { Readable } from 'node:stream';
import { createInflate } from 'node:zlib';
import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';
import type { Raster } from '../contract/frame.ts';
import { animatedImage, corruptImage, heavyImage } from './image-header.ts';
import { walkedPng } from './png-chunk.ts';
import { type PngFormat, Scanlines } from './png-scanlines.ts';

/** A PNG file cut open; nothing is inflated. Profiles and texts are dropped unread: they can be bombs, too. */
interface OpenPng {
  readonly format: PngFormat;
  readonly data: readonly Uint8Array[];
}

/** Bytes that are inflated at a time. */
const pieceBytes = 64 * 1024;

/** Depths of a sample by colour type (PNG specification, table 11.1). */
const depths: Record<number, readonly number[]> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

const channelsOfColourType: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/**
 * Decodes a stranger's PNG file to RGBA. Its size has been checked by readImageHeader. It is inflated piece by piece
 * and row by row, so that nothing but the pixels has to be held, and no further than the header promises.
 * @throws Failure image_animated, image_inflate_limit, image_corrupt
 */
export async function decodeForeignPng(bytes: Uint8Array): Promise<Raster> {
  const { format, data } = openPng(bytes);
  const lines = new Scanlines(format);
  const inflated: AsyncIterable<Uint8Array> = Readable.from(data).pipe(
    createInflate({ chunkSize: pieceBytes }),
  );
  try {
    for await (const piece of inflated) if (!lines.push(piece)) throw tooMuchData();
  } catch (error) {
    throw error instanceof Failure ? error : corruptImage('its PNG data are damaged');
  }
  if (!lines.isComplete) throw corruptImage('its PNG data are cut off');
  return { width: format.width, height: format.height, channels: 4, pixels: lines.pixels };
}

function openPng(bytes: Uint8Array): OpenPng {
  const parts: Record<string, Uint8Array> = {};
  const data: Uint8Array[] = [];
  let count = 0;
  for (const chunk of walkedPng(bytes, corruptImage)) {
    if (++count > limits.imageChunks) throw corruptImage(`it has more than ${limits.imageChunks} PNG chunks`);
    if (chunk.type === 'acTL') throw animatedImage();
    // A decoder would believe the last header, while the size was checked in the first.
    if (chunk.type === 'IHDR' && count > 1) throw corruptImage('it has more than one PNG header');
    if (chunk.type === 'IDAT') data.push(chunk.data);
    else if (['IHDR', 'PLTE', 'tRNS'].includes(chunk.type)) parts[chunk.type] = chunk.data;
  }
  return { format: formatOf(parts), data };
}

function formatOf({
  IHDR: header,
  PLTE: palette,
  tRNS: transparency,
}: Record<string, Uint8Array>): PngFormat {
  if (header?.length !== 13) throw corruptImage('the PNG header is missing');
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const [depth = 0, colourType = 0, compression, filter, interlace = 0] = header.subarray(8);
  const isKnown = depths[colourType]?.includes(depth) === true && compression === 0 && filter === 0;
  if (!isKnown || interlace > 1) throw corruptImage('its PNG header is invalid');
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  if (depth === 16 && width * height > limits.heavyImagePixels)
    throw heavyImage('a PNG of 16 bits', width * height);
  if (colourType === 3 && (palette === undefined || palette.length % 3 !== 0))
    throw corruptImage('its palette is missing or damaged');
  return {
    width,
    height,
    depth,
    channels: channelsOfColourType[colourType] as number,
    isInterlaced: interlace === 1,
    palette: colourType === 3 ? (palette ?? null) : null,
    transparency: transparency ?? null,
  };
}

function tooMuchData(): Failure {
  return new Failure(
    'image_inflate_limit',
    'input_reference holds more data than its header promises. Save the image again.',
    'input_reference',
  );
}
