import type { DecodedFrame } from './graphs.ts';

/** RGBA bytes [h, w, 4] -> planar 0..1 [c, h, w]; with 3 channels alpha is left out. */
export function planarPixels(rgba: Uint8ClampedArray, channels: 3 | 4): Float32Array {
  const count = rgba.length / 4;
  const planar = new Float32Array(channels * count);
  for (let channel = 0; channel < channels; channel++) {
    for (let pixel = 0; pixel < count; pixel++) {
      planar[channel * count + pixel] = (rgba[pixel * 4 + channel] as number) / 255;
    }
  }
  return planar;
}

/** A decoded frame -> RGBA bytes [h, w, 4]; without an alpha channel every pixel is opaque. */
export function displayedPixels({ pixels, channels }: DecodedFrame): Uint8ClampedArray {
  const count = pixels.length / channels;
  const rgba = new Uint8ClampedArray(count * 4).fill(255);
  for (let channel = 0; channel < channels; channel++) {
    for (let pixel = 0; pixel < count; pixel++) {
      rgba[pixel * 4 + channel] = (pixels[channel * count + pixel] as number) * 255;
    }
  }
  return rgba;
}
