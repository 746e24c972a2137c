import { applyPalette, GIFEncoder, quantize } from 'gifenc/dist/gifenc.esm.js';
import type { Raster } from '../contract/frame.ts';
import { enlargedPixels, withAlpha } from './raster.ts';

const mostColours = 256;

/** Below this a pixel is transparent: GIF knows no half transparency. */
const opaqueFrom = 128;

interface IndexedImage {
  readonly indices: Uint8Array;
  readonly palette: number[][];
  readonly transparentIndex: number | null;
}

/**
 * An endlessly repeating GIF, a piece for every frame. Every frame lasts 1 / framesPerSecond on average: GIF counts hundredths of a second,
 * and what rounding takes from one frame the next one gets. Frames of up to 256 colours keep theirs exactly.
 * @param scale whole factor by which frames are enlarged
 */
export async function* encodeGif(
  frames: AsyncIterable<Raster> | Iterable<Raster>,
  framesPerSecond: number,
  scale: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = GIFEncoder();
  let index = 0;
  for await (const frame of frames) {
    const { indices, palette, transparentIndex } = indexed(withAlpha(frame));
    const scaled = enlargedPixels(indices, frame.width, 1, scale);
    encoder.writeFrame(scaled, frame.width * scale, frame.height * scale, {
      palette,
      delay: 10 * delayHundredths(index, framesPerSecond),
      transparent: transparentIndex !== null,
      transparentIndex: transparentIndex ?? 0,
      repeat: 0,
    });
    index += 1;
    yield encoder.bytes();
    encoder.stream.reset();
  }
  encoder.finish();
  yield encoder.bytes();
}

function delayHundredths(index: number, framesPerSecond: number): number {
  return Math.round(((index + 1) * 100) / framesPerSecond) - Math.round((index * 100) / framesPerSecond);
}

function indexed(frame: Raster): IndexedImage {
  return exactlyIndexed(frame) ?? quantised(frame);
}

function exactlyIndexed(frame: Raster): IndexedImage | null {
  const { pixels } = frame;
  const indices = new Uint8Array(frame.width * frame.height);
  const palette: number[][] = [];
  const indexOfColour = new Map<number, number>();
  const transparent = -1;
  for (let i = 0; i < indices.length; i++) {
    const red = pixels[i * 4] as number;
    const green = pixels[i * 4 + 1] as number;
    const blue = pixels[i * 4 + 2] as number;
    const isTransparent = (pixels[i * 4 + 3] as number) < opaqueFrom;
    const colour = isTransparent ? transparent : (red << 16) | (green << 8) | blue;
    let index = indexOfColour.get(colour);
    if (index === undefined) {
      index = palette.length;
      if (index === mostColours) return null;
      palette.push(colour === transparent ? [0, 0, 0] : [red, green, blue]);
      indexOfColour.set(colour, index);
    }
    indices[i] = index;
  }
  return { indices, palette, transparentIndex: indexOfColour.get(transparent) ?? null };
}

function quantised(frame: Raster): IndexedImage {
  // The library reads the whole underlying buffer, so the pixels must have one of their own.
  const pixels = frame.pixels.slice();
  const format = isOpaque(pixels) ? 'rgb565' : 'rgba4444';
  const palette = quantize(pixels, mostColours, { format, oneBitAlpha: opaqueFrom });
  const indices = applyPalette(pixels, palette, format);
  const transparentIndex = palette.findIndex((colour) => colour[3] === 0);
  return { indices, palette, transparentIndex: transparentIndex < 0 ? null : transparentIndex };
}

function isOpaque(pixels: Uint8Array): boolean {
  for (let at = 3; at < pixels.length; at += 4) if ((pixels[at] as number) < opaqueFrom) return false;
  return true;
}
