import type { Raster } from '../contract/frame.ts';

/** All frames of a video in one image, row by row, as game engines read them; `columns` frames in a row. */
export function spriteSheet(frames: readonly Raster[], columns: number): Raster {
  const first = frames[0];
  if (first === undefined) throw new Error('a sprite sheet has at least one frame');
  const { width, height, channels } = first;
  const across = Math.min(columns, frames.length);
  const sheetWidth = across * width;
  const sheetHeight = Math.ceil(frames.length / across) * height;
  const pixels = new Uint8Array(sheetWidth * sheetHeight * channels);
  frames.forEach((frame, index) => {
    const left = (index % across) * width;
    const top = Math.floor(index / across) * height;
    for (let y = 0; y < height; y++) {
      const row = frame.pixels.subarray(y * width * channels, (y + 1) * width * channels);
      pixels.set(row, ((top + y) * sheetWidth + left) * channels);
    }
  });
  return { width: sheetWidth, height: sheetHeight, channels, pixels };
}
