import { zipSync } from 'fflate';

/** An item of a made-up archive: heights and widths of its sheets, every cell filled with its first colour. */
export interface PackItem {
  readonly colours: readonly string[];
  readonly anims: Readonly<Record<string, readonly number[]>>;
}

/**
 * A layer archive, as NumPy would write it.
 * @param drawn whether sheets hold pixels; names and sizes are enough to draw characters from
 */
export function packOf(items: Readonly<Record<string, PackItem>>, drawn = false): Uint8Array {
  const files: Record<string, Uint8Array> = { 'meta.npy': npy('|u1', utf8(JSON.stringify(items))) };
  for (const [name, { colours, anims }] of Object.entries(items)) {
    for (const [sheet, [height = 0, width = 0]] of Object.entries(anims)) {
      files[`${name}|${sheet}.npy`] = npy('|u1', drawn ? cells(height, width) : new Uint8Array(0), [
        height,
        width,
      ]);
    }
    const words = colours.flatMap((_, row) => [0, 0xff000000 + 0x40 * row + 0x3000, 0xff00ff00 + row]);
    const lut = new Uint8Array(Uint32Array.from(words).buffer);
    files[`${name}|lut.npy`] = npy('<u4', lut, [colours.length, 3]);
  }
  return zipSync(files);
}

/** A square in every cell of 64 pixels, which moves from column to column. */
function cells(height: number, width: number): Uint8Array {
  const pixels = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const moved = (x % 64) - 2 * Math.floor(x / 64);
      if (moved > 16 && moved < 40 && y % 64 > 20 && y % 64 < 60) pixels[y * width + x] = 1 + (y % 2);
    }
  }
  return pixels;
}

function npy(type: string, data: Uint8Array, shape: readonly number[] = [data.length]): Uint8Array {
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const header = utf8(`\x93NUMPY\x01\x00..${text.padEnd(117)}\n`.replace('\x93', ''));
  const bytes = new Uint8Array(128 + data.length);
  bytes.set(header, 1);
  bytes[0] = 0x93;
  bytes.set([118, 0], 8);
  bytes.set(data, 128);
  return bytes;
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
