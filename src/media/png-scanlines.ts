import { corruptImage } from './image-header.ts';

/** What the rows of a PNG file look like. */
export interface PngFormat {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly depth: number;
  readonly channels: number;
  readonly isInterlaced: boolean;
  /** RGB of each colour, where samples are indices. */
  readonly palette: Uint8Array | null;
  /** Alpha of the palette's colours, or the one colour that is transparent, in 16 bits a sample. */
  readonly transparency: Uint8Array | null;
}

/** A part of the image, every so-manieth row and column of it. */
interface Pass {
  readonly left: number;
  readonly top: number;
  readonly stepX: number;
  readonly stepY: number;
  readonly columns: number;
  readonly rows: number;
}

/** Where a row goes. */
interface Row {
  readonly samples: Uint16Array;
  readonly pixels: Uint8Array;
  /** Index of the row's first byte. */
  readonly start: number;
}

/** Adam7 (PNG specification, section 8.2): left, top, step to the right, step down. */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** Takes the inflated bytes of a PNG file in any pieces, and makes RGBA of them, row by row. */
export class Scanlines {
  readonly pixels: Uint8Array;
  readonly #format: PngFormat;
  readonly #passes: readonly Pass[];
  #pass = 0;
  #row = 0;
  #filled = 0;
  /** The filter byte and the row's bytes. */
  #line = new Uint8Array(0);
  #previous = new Uint8Array(0);
  #samples = new Uint16Array(0);

  constructor(format: PngFormat) {
    this.#format = format;
    this.pixels = new Uint8Array(format.width * format.height * 4);
    this.#passes = passesOf(format);
    this.#begin();
  }

  get isComplete(): boolean {
    return this.#pass === this.#passes.length;
  }

  /**
   * False where there are more bytes than the image has.
   * @throws Failure image_corrupt
   */
  push(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; ) {
      if (this.isComplete) return false;
      const count = Math.min(bytes.length - at, this.#line.length - this.#filled);
      this.#line.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === this.#line.length) this.#finish();
    }
    return true;
  }

  #begin(): void {
    const pass = this.#passes[this.#pass];
    if (pass === undefined) return;
    const { depth, channels } = this.#format;
    const bytes = 1 + Math.ceil((pass.columns * depth * channels) / 8);
    this.#line = new Uint8Array(bytes);
    this.#previous = new Uint8Array(bytes);
    this.#samples = new Uint16Array(depth === 8 ? 0 : pass.columns * channels);
    this.#row = 0;
  }

  #finish(): void {
    const { depth, channels, width } = this.#format;
    const pass = this.#passes[this.#pass] as Pass;
    unfilter(this.#line, this.#previous, Math.max(1, (depth * channels) / 8));
    const start = (pass.top + this.#row * pass.stepY) * width + pass.left;
    const row = { samples: this.#samples, pixels: this.pixels, start: start * 4 };
    writeRow(this.#line.subarray(1), this.#format, pass, row);
    [this.#line, this.#previous] = [this.#previous, this.#line];
    this.#filled = 0;
    this.#row += 1;
    if (this.#row < pass.rows) return;
    this.#pass += 1;
    this.#begin();
  }
}

function passesOf({ width, height, isInterlaced }: PngFormat): Pass[] {
  const steps = isInterlaced ? adam7 : ([[0, 0, 1, 1]] as const);
  return steps
    .map(([left, top, stepX, stepY]) => {
      const [columns, rows] = [Math.ceil((width - left) / stepX), Math.ceil((height - top) / stepY)];
      return { left, top, stepX, stepY, columns, rows };
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
}

/** Undoes the filter that the first byte names (PNG specification, section 9). */
function unfilter(line: Uint8Array, above: Uint8Array, pixelBytes: number): void {
  const filter = line[0] as number;
  if (filter === 0) return;
  if (filter > 4) throw corruptImage('its PNG data are damaged');
  // Bytes of the pixel to the left; there is none at the start of a row.
  const left = (i: number) => (i > pixelBytes ? (line[i - pixelBytes] as number) : 0);
  const size = line.length;
  switch (filter) {
    case 1:
      for (let i = 1 + pixelBytes; i < size; i++)
        line[i] = (line[i] as number) + (line[i - pixelBytes] as number);
      return;
    case 2:
      for (let i = 1; i < size; i++) line[i] = (line[i] as number) + (above[i] as number);
      return;
    case 3:
      for (let i = 1; i < size; i++) line[i] = (line[i] as number) + ((left(i) + (above[i] as number)) >> 1);
      return;
    default:
      unfilterPaeth(line, above, pixelBytes);
  }
}

function unfilterPaeth(line: Uint8Array, above: Uint8Array, pixelBytes: number): void {
  const end = Math.min(line.length, 1 + pixelBytes);
  for (let i = 1; i < end; i++) line[i] = (line[i] as number) + (above[i] as number);
  for (let i = end; i < line.length; i++) {
    const at = i - pixelBytes;
    line[i] = (line[i] as number) + paeth(line[at] as number, above[i] as number, above[at] as number);
  }
}

function paeth(left: number, up: number, corner: number): number {
  const [toLeft, toUp] = [Math.abs(up - corner), Math.abs(left - corner)];
  const toCorner = Math.abs(left + up - 2 * corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/** Writes a row's pixels; `samples` has room for all of the row. */
function writeRow(line: Uint8Array, format: PngFormat, pass: Pass, row: Row): void {
  const { depth, channels, palette } = format;
  const { samples, pixels, start } = row;
  const is8Bit = depth === 8;
  if (!is8Bit) unpack(line, depth, samples);
  const from = is8Bit ? line : samples;
  if (channels === 4 && pass.stepX === 1 && is8Bit) {
    pixels.set(line, start);
    return;
  }
  const write = palette === null ? writeColour : writeIndexed;
  for (let column = 0; column < pass.columns; column++)
    write(from, column * channels, format, pixels, start + column * pass.stepX * 4);
}

/** Samples of fewer or more than 8 bits, one an entry. */
function unpack(line: Uint8Array, depth: number, samples: Uint16Array): void {
  const mask = 2 ** depth - 1;
  for (let i = 0; i < samples.length; i++) {
    if (depth === 16) samples[i] = ((line[i * 2] as number) << 8) | (line[i * 2 + 1] as number);
    else samples[i] = ((line[(i * depth) >> 3] as number) >> (8 - depth - ((i * depth) & 7))) & mask;
  }
}

type WriteSamples = (
  samples: Uint8Array | Uint16Array,
  from: number,
  format: PngFormat,
  pixels: Uint8Array,
  at: number,
) => void;

const writeIndexed: WriteSamples = (samples, from, { palette, transparency }, pixels, at) => {
  const index = samples[from] as number;
  if (palette === null || index * 3 >= palette.length) throw corruptImage('a colour is not in its palette');
  for (let channel = 0; channel < 3; channel++) pixels[at + channel] = palette[index * 3 + channel] as number;
  pixels[at + 3] = transparency?.[index] ?? 255;
};

const writeColour: WriteSamples = (samples, from, format, pixels, at) => {
  const { depth, channels } = format;
  const isGrey = channels < 3;
  for (let channel = 0; channel < 3; channel++)
    pixels[at + channel] = as8Bit(samples[from + (isGrey ? 0 : channel)] as number, depth);
  const hasAlpha = channels === 2 || channels === 4;
  if (hasAlpha) pixels[at + 3] = as8Bit(samples[from + channels - 1] as number, depth);
  else pixels[at + 3] = isTransparent(samples, from, format) ? 0 : 255;
};

/** Rounded; of 16 bits in whole numbers, which is several times as fast. */
function as8Bit(sample: number, depth: number): number {
  if (depth === 8) return sample;
  return depth === 16 ? (sample * 255 + 32_895) >> 16 : sample * (255 / (2 ** depth - 1));
}

/** Whether a colour without alpha is the one that a tRNS chunk names. */
function isTransparent(
  samples: Uint8Array | Uint16Array,
  from: number,
  { channels, transparency }: PngFormat,
): boolean {
  if (transparency === null || transparency.length < channels * 2) return false;
  for (let channel = 0; channel < channels; channel++) {
    const named = ((transparency[channel * 2] as number) << 8) | (transparency[channel * 2 + 1] as number);
    if (samples[from + channel] !== named) return false;
  }
  return true;
}
