import type { Raster } from '../contract/frame.ts';

/** The neutral backdrop of RGB models and of formats without transparency. */
const backdropGrey = 128;

/** A raster of four channels with the same look. */
export function withAlpha(raster: Raster): Raster {
  if (raster.channels === 4) return raster;
  const count = raster.width * raster.height;
  const pixels = new Uint8Array(count * 4).fill(255);
  for (let i = 0; i < count; i++) pixels.set(raster.pixels.subarray(i * 3, i * 3 + 3), i * 4);
  return { ...raster, channels: 4, pixels };
}

/** A raster of three channels: transparent parts show a grey backdrop. */
export function withoutAlpha(raster: Raster, backdrop = backdropGrey): Raster {
  if (raster.channels === 3) return raster;
  const count = raster.width * raster.height;
  const pixels = new Uint8Array(count * 3);
  for (let i = 0; i < count; i++) {
    const alpha = raster.pixels[i * 4 + 3] as number;
    for (let c = 0; c < 3; c++) {
      const colour = raster.pixels[i * 4 + c] as number;
      pixels[i * 3 + c] = Math.round((colour * alpha + backdrop * (255 - alpha)) / 255);
    }
  }
  return { ...raster, channels: 3, pixels };
}

/** Enlarges by a whole factor; every pixel becomes a square of `factor` pixels. */
export function enlarged(raster: Raster, factor: number): Raster {
  const pixels = enlargedPixels(raster.pixels, raster.width, raster.channels, factor);
  return { ...raster, width: raster.width * factor, height: raster.height * factor, pixels };
}

/** As enlarged, for rows of `width` pixels of any number of bytes. */
export function enlargedPixels(
  pixels: Uint8Array,
  width: number,
  pixelBytes: number,
  factor: number,
): Uint8Array {
  if (factor === 1) return pixels;
  const height = pixels.length / (width * pixelBytes);
  const row = new Uint8Array(width * factor * pixelBytes);
  const result = new Uint8Array(row.length * height * factor);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width * factor; x++) {
      const from = (y * width + Math.floor(x / factor)) * pixelBytes;
      for (let byte = 0; byte < pixelBytes; byte++)
        row[x * pixelBytes + byte] = pixels[from + byte] as number;
    }
    for (let copy = 0; copy < factor; copy++) result.set(row, (y * factor + copy) * row.length);
  }
  return result;
}
