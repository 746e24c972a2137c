import type { Raster } from '../contract/frame.ts';
import { withAlpha, withoutAlpha } from './raster.ts';

/** Size and channels that a model's frames have. */
export interface FrameShape {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
}

/**
 * Brings an image to the model's frame. An image of the right size is taken pixel for pixel; of any other, a model
 * with alpha gets the whole on transparent ground, one without the middle, which fills the frame as in training.
 */
export function fitted(image: Raster, shape: FrameShape): Raster {
  const rgba = withAlpha(image);
  return shape.channels === 4 ? cleared(padded(rgba, shape)) : withoutAlpha(filled(rgba, shape));
}

/** The middle of an image, as much as has the frame's aspect, by averages of areas. */
function filled(image: Raster, shape: FrameShape): Raster {
  const growth = Math.max(shape.width / image.width, shape.height / image.height);
  const width = Math.max(1, Math.round(shape.width / growth));
  const height = Math.max(1, Math.round(shape.height / growth));
  return averaged(cropped(image, width, height), shape.width, shape.height);
}

/**
 * The whole image, centred: shrunk by picking pixels where the factor is whole (pixel art that was enlarged comes
 * back exactly), else by averaging areas; enlarged by whole factors only, because fractions would make pixels of
 * unequal size.
 */
function padded(image: Raster, shape: FrameShape): Raster {
  const rgba = resized(image, shape);
  return rgba.width === shape.width && rgba.height === shape.height ? rgba : centred(rgba, shape);
}

function resized(image: Raster, shape: FrameShape): Raster {
  const growth = Math.min(shape.width / image.width, shape.height / image.height);
  if (growth >= 1) return sampled(image, Math.floor(growth));
  const shrink = 1 / growth;
  const exact = Number.isInteger(shrink) && image.width % shrink === 0 && image.height % shrink === 0;
  if (exact && isEnlarged(image, shrink)) return picked(image, shrink);
  const width = Math.max(1, Math.round(image.width * growth));
  const height = Math.max(1, Math.round(image.height * growth));
  return averaged(image, Math.min(width, shape.width), Math.min(height, shape.height));
}

/** True where every square of `factor` pixels has a single colour: an enlarged piece of pixel art. */
function isEnlarged(image: Raster, factor: number): boolean {
  const words = colourWords(image);
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++) {
      const corner = (y - (y % factor)) * image.width + x - (x % factor);
      if (words[y * image.width + x] !== words[corner]) return false;
    }
  }
  return true;
}

function colourWords(image: Raster): Uint32Array {
  return new Uint32Array(image.pixels.slice().buffer);
}

function sampled(image: Raster, factor: number): Raster {
  if (factor === 1) return image;
  const width = image.width * factor;
  const height = image.height * factor;
  const words = colourWords(image);
  const out = new Uint32Array(width * height);
  for (let i = 0; i < out.length; i++) {
    const x = Math.floor((i % width) / factor);
    const y = Math.floor(i / width / factor);
    out[i] = words[y * image.width + x] as number;
  }
  return { width, height, channels: 4, pixels: new Uint8Array(out.buffer) };
}

function picked(image: Raster, factor: number): Raster {
  const width = image.width / factor;
  const height = image.height / factor;
  const words = colourWords(image);
  const out = new Uint32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++)
      out[y * width + x] = words[y * factor * image.width + x * factor] as number;
  }
  return { width, height, channels: 4, pixels: new Uint8Array(out.buffer) };
}

/** Area average, weighted by alpha, so that the colour of transparent pixels does not bleed in. */
function averaged(image: Raster, width: number, height: number): Raster {
  const across = shares(image.width, width);
  const down = shares(image.height, height);
  const pixels = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      pixels.set(average(image, across[x] as Share[], down[y] as Share[]), (y * width + x) * 4);
    }
  }
  return { width, height, channels: 4, pixels };
}

interface Share {
  readonly index: number;
  readonly weight: number;
}

/** For each of `to` cells, which of the `from` cells it covers, and how much of each. */
function shares(from: number, to: number): Share[][] {
  return Array.from({ length: to }, (_, cell) => {
    const start = (cell * from) / to;
    const end = ((cell + 1) * from) / to;
    const covered: Share[] = [];
    for (let index = Math.floor(start); index < Math.min(Math.ceil(end), from); index++) {
      covered.push({ index, weight: Math.min(index + 1, end) - Math.max(index, start) });
    }
    return covered;
  });
}

function average(image: Raster, across: Share[], down: Share[]): [number, number, number, number] {
  let red = 0;
  let green = 0;
  let blue = 0;
  let alpha = 0;
  let area = 0;
  for (const row of down) {
    for (const column of across) {
      const at = (row.index * image.width + column.index) * 4;
      const share = row.weight * column.weight;
      const opacity = share * (image.pixels[at + 3] as number);
      red += opacity * (image.pixels[at] as number);
      green += opacity * (image.pixels[at + 1] as number);
      blue += opacity * (image.pixels[at + 2] as number);
      alpha += opacity;
      area += share;
    }
  }
  if (alpha === 0) return [0, 0, 0, 0];
  return [
    Math.round(red / alpha),
    Math.round(green / alpha),
    Math.round(blue / alpha),
    Math.round(alpha / area),
  ];
}

function cropped(image: Raster, width: number, height: number): Raster {
  const pixels = new Uint8Array(width * height * 4);
  const left = Math.floor((image.width - width) / 2);
  const top = Math.floor((image.height - height) / 2);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * 4;
    pixels.set(image.pixels.subarray(from, from + width * 4), y * width * 4);
  }
  return { width, height, channels: 4, pixels };
}

function centred(image: Raster, shape: FrameShape): Raster {
  const pixels = new Uint8Array(shape.width * shape.height * 4);
  const left = Math.floor((shape.width - image.width) / 2);
  const top = Math.floor((shape.height - image.height) / 2);
  for (let y = 0; y < image.height; y++) {
    const row = image.pixels.subarray(y * image.width * 4, (y + 1) * image.width * 4);
    pixels.set(row, ((top + y) * shape.width + left) * 4);
  }
  return { width: shape.width, height: shape.height, channels: 4, pixels };
}

/** Invisible pixels become [0, 0, 0, 0], as models know them, whatever colour a drawing program left there. */
function cleared(image: Raster): Raster {
  const pixels = image.pixels.slice();
  for (let at = 0; at < pixels.length; at += 4) if (pixels[at + 3] === 0) pixels.fill(0, at, at + 4);
  return { ...image, pixels };
}
