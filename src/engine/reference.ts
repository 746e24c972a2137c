import { quantize } from 'gifenc/dist/gifenc.esm.js';
import { type Manifest, PALETTE_SIZE } from '../contract/manifest.ts';
import type { Reference } from './graphs.ts';

const TRANSPARENT = 0;
const UNUSED_ALPHA = -1;
/** Colours under it become transparent when a palette is reduced. */
const ALPHA_CUT = 128;

/**
 * Frame 0 as displayed, as a reference: its own colours where they and transparent are at most P,
 * else a reduction to as many.
 * @param pixels RGBA [h, w, 4]
 */
export function referenceOf(pixels: Uint8ClampedArray): Reference {
  const words = colourWords(pixels);
  const colours = coloursOf(words, pixels);
  return { given: true, indices: nearest(words, colours), colours };
}

/** The reference of frame 0 itself. */
export function nullReference({ frame, tokenizer }: Manifest): Reference {
  const indices = new Int32Array(frame.width * frame.height);
  return { given: false, indices, colours: Uint8Array.from(tokenizer.palette?.flat() ?? []) };
}

/** Indices [h, w] of colours [n, 4] -> RGBA bytes [h, w, 4]. */
export function paint(indices: Int32Array, colours: Uint8Array): Uint8ClampedArray {
  const pixels = new Uint8ClampedArray(indices.length * 4);
  indices.forEach((index, pixel) => {
    pixels.set(colours.subarray(index * 4, index * 4 + 4), pixel * 4);
  });
  return pixels;
}

/** One number a pixel, R in the lowest byte; every transparent pixel is 0. */
function colourWords(pixels: Uint8ClampedArray): Uint32Array {
  const view = new DataView(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  const words = new Uint32Array(pixels.length / 4);
  for (let pixel = 0; pixel < words.length; pixel++) {
    words[pixel] = pixels[pixel * 4 + 3] === 0 ? TRANSPARENT : view.getUint32(pixel * 4, true);
  }
  return words;
}

/** Transparent, then the solid colours in rising order, as in training. */
function coloursOf(words: Uint32Array, pixels: Uint8ClampedArray): Uint8Array {
  const solid = [...new Set(words)].filter((word) => word !== TRANSPARENT);
  const kept = solid.length < PALETTE_SIZE ? solid : reducedColours(pixels);
  const colours = new Uint8Array((kept.length + 1) * 4);
  const view = new DataView(colours.buffer);
  kept.sort((a, b) => a - b);
  kept.forEach((word, entry) => {
    view.setUint32((entry + 1) * 4, word, true);
  });
  return colours;
}

function reducedColours(pixels: Uint8ClampedArray): number[] {
  const bytes = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  const rows = quantize(bytes, PALETTE_SIZE - 1, { format: 'rgba4444', oneBitAlpha: ALPHA_CUT });
  const words = rows.map(([r = 0, g = 0, b = 0, a = 255]) => ((a << 24) | (b << 16) | (g << 8) | r) >>> 0);
  return [...new Set(words)].filter((word) => word >>> 24 !== 0);
}

/** The nearest palette entry of every pixel by squared distance in RGBA; the first of equals. */
function nearest(words: Uint32Array, colours: Uint8Array): Int32Array {
  const known = new Map<number, number>();
  return Int32Array.from(words, (word) => {
    const entry = known.get(word) ?? nearestEntry(word, colours);
    known.set(word, entry);
    return entry;
  });
}

function nearestEntry(word: number, colours: Uint8Array): number {
  const rgba = [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24];
  let best = 0;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (let entry = 0; entry * 4 < colours.length; entry++) {
    let distance = 0;
    for (let channel = 0; channel < 4; channel++) {
      distance += ((rgba[channel] as number) - (colours[entry * 4 + channel] as number)) ** 2;
    }
    if (distance < bestDistance) {
      best = entry;
      bestDistance = distance;
    }
  }
  return best;
}

/** Colours as graphs take them: RGBA 0..1 [P, 4], unused entries with alpha -1. */
export function paletteTensor(colours: Uint8Array): Float32Array {
  const tensor = new Float32Array(PALETTE_SIZE * 4);
  for (let entry = 0; entry < PALETTE_SIZE; entry++) tensor[entry * 4 + 3] = UNUSED_ALPHA;
  colours.forEach((value, place) => {
    tensor[place] = value / 255;
  });
  return tensor;
}
