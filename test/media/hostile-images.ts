import { deflateSync } from 'node:zlib';
import { encode } from 'fast-png';
import { limits } from '../../src/contract/config.ts';
import type { FailureCode } from '../../src/contract/failure.ts';
import { encodeApng } from '../../src/media/apng.ts';
import { encodePng } from '../../src/media/png.ts';
import { type PngChunk, pngChunks, pngFile } from '../../src/media/png-chunk.ts';
import { joined } from './joined.ts';
import { disc, jpegFile, plain, webpFile } from './sample-image.ts';

/** A file that is to do harm, and how it is refused; `taken` where it is an image after all. */
export interface HostileImage {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly outcome: FailureCode | 'taken';
}

const mebibyte = 1024 * 1024;
const side = Math.floor(Math.sqrt(limits.imagePixels));
const heavySide = Math.floor(Math.sqrt(limits.heavyImagePixels));
/** Of the longest image that may be, the other side. */
const short = Math.floor(limits.imagePixels / limits.imageSide);
const png = encodePng(disc(16, 16));
const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const none = new Uint8Array(0);

function header(width: number, height: number, depth = 8, colourType = 6, interlace = 0): PngChunk {
  const data = new Uint8Array(13);
  const view = new DataView(data.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  data.set([depth, colourType, 0, 0, interlace], 8);
  return { type: 'IHDR', data };
}

const end: PngChunk = { type: 'IEND', data: none };
const idat = (inflated: Uint8Array): PngChunk => ({
  type: 'IDAT',
  data: deflateSync(inflated, { level: 9 }),
});
const times = (count: number, chunk: PngChunk): PngChunk[] => Array(count).fill(chunk);

/** A small PNG with chunks put in before its data. */
function stuffed(chunks: PngChunk[]): Uint8Array {
  const [first, ...rest] = pngChunks(png, (reason) => new Error(reason)) as [PngChunk, ...PngChunk[]];
  return pngFile([first, ...chunks, ...rest]);
}

/** Zeros of so many bytes a row, with a filter byte before each. */
const rows = (bytesPerRow: number, count = side) => new Uint8Array(count * (1 + bytesPerRow));

/** The same rows, but for filter 4, which takes longest (PNG specification, section 9.4). */
function filtered(scanlines: Uint8Array, bytesPerRow: number): Uint8Array {
  for (let at = 0; at < scanlines.length; at += 1 + bytesPerRow) scanlines[at] = 4;
  return scanlines;
}

function broken(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
}

/** Deflate blocks that hold nothing, as many as fill so many bytes (RFC 1951, section 3.2.4). */
function emptyBlocks(bytes: number): Uint8Array {
  const data = new Uint8Array(bytes);
  data.set([0x78, 0x01]);
  for (let at = 2; at + 5 <= bytes; at += 5) data.set([0, 0, 0, 0xff, 0xff], at);
  return data;
}

async function pngs(): Promise<[string, Uint8Array, HostileImage['outcome']][]> {
  const bomb = deflateSync(new Uint8Array(64 * mebibyte), { level: 9 });
  const text = { type: 'tEXt', data: latin1('a\0b') };
  const profile = { type: 'iCCP', data: Buffer.concat([latin1('a\0\0'), bomb]) };
  const compressed = { type: 'zTXt', data: Buffer.concat([latin1('a\0\0'), bomb]) };
  const script = { type: 'tEXt', data: latin1('a\0<script>alert(1)</script>') };
  const empty = { type: 'IDAT', data: none };
  const slowest = filtered(rows(side * 4), side * 4);
  const slowest16 = filtered(rows(heavySide * 8, heavySide), heavySide * 8);
  const full = new Uint8Array(side * side * 4);
  return [
    [
      'PNG of 100,000 x 100,000 pixels',
      pngFile([header(100_000, 100_000), idat(none), end]),
      'image_dimensions',
    ],
    [
      'PNG of 2^32 - 1 pixels in a row',
      pngFile([header(2 ** 32 - 1, 1), idat(none), end]),
      'image_dimensions',
    ],
    ['PNG of no pixels', pngFile([header(0, 8), idat(none), end]), 'image_corrupt'],
    [
      'PNG of 64 pixels that inflates to 64 MiB',
      pngFile([header(8, 8), idat(new Uint8Array(64 * mebibyte)), end]),
      'image_inflate_limit',
    ],
    [
      'PNG of 4 MB of empty deflate blocks',
      pngFile([header(8, 8), { type: 'IDAT', data: emptyBlocks(4_000_000) }, end]),
      'image_corrupt',
    ],
    ['PNG as large as may be', encodePng({ width: side, height: side, channels: 4, pixels: full }), 'taken'],
    [
      'PNG as large as may be, one byte short',
      pngFile([header(side, side), idat(rows(side * 4).subarray(1)), end]),
      'image_corrupt',
    ],
    [
      'PNG as large as may be, one byte long',
      pngFile([header(side, side), idat(new Uint8Array(rows(side * 4).length + 1)), end]),
      'image_inflate_limit',
    ],
    [
      'PNG of 16 bits, larger than may be',
      pngFile([header(side, side, 16), idat(none), end]),
      'image_dimensions',
    ],
    [
      'PNG of 16 bits, as large as may be',
      pngFile([header(heavySide, heavySide, 16), idat(rows(heavySide * 8, heavySide)), end]),
      'taken',
    ],
    [
      'PNG as large as may be, interlaced',
      encode({ width: side, height: side, channels: 4, depth: 8, data: full }, { interlace: 'Adam7' }),
      'taken',
    ],
    [
      'PNG as large as may be, 1 bit',
      pngFile([header(side, side, 1, 0), idat(rows(Math.ceil(side / 8))), end]),
      'taken',
    ],
    [
      'PNG as wide as may be',
      pngFile([header(limits.imageSide, short), idat(rows(limits.imageSide * 4, short)), end]),
      'taken',
    ],
    [
      'PNG as high as may be',
      pngFile([header(short, limits.imageSide), idat(rows(short * 4, limits.imageSide)), end]),
      'taken',
    ],
    [
      'PNG longer than may be',
      pngFile([header(limits.imageSide + 1, 1), idat(none), end]),
      'image_dimensions',
    ],
    [
      'PNG as large as may be, by the slowest filter',
      pngFile([header(side, side), idat(slowest), end]),
      'taken',
    ],
    [
      'PNG of 16 bits by the slowest filter',
      pngFile([header(heavySide, heavySide, 16), idat(slowest16), end]),
      'taken',
    ],
    ['PNG of 250,000 texts', stuffed(times(250_000, text)), 'image_corrupt'],
    ['PNG of 300,000 empty pieces of data', stuffed(times(300_000, empty)), 'image_corrupt'],
    ['PNG of as many pieces as may be', stuffed(times(limits.imageChunks - 3, empty)), 'taken'],
    ['PNG with a profile that inflates to 64 MiB', stuffed([profile]), 'taken'],
    ['PNG with a text that inflates to 64 MiB', stuffed([compressed]), 'taken'],
    ['PNG with two headers', stuffed([header(10_000, 10_000)]), 'image_corrupt'],
    ['PNG without data', pngFile([header(8, 8), end]), 'image_corrupt'],
    ['PNG with a wrong checksum', broken(png, 50, 1, 2, 3), 'image_corrupt'],
    ['PNG cut off', png.subarray(0, png.length - 20), 'image_corrupt'],
    ['PNG whose chunk is 2^32 - 1 bytes long', broken(png, 33, 255, 255, 255, 255), 'image_corrupt'],
    ['PNG in motion', await joined(encodeApng([png, png], 2, 8)), 'image_animated'],
    ['PNG with a script in a text', stuffed([script]), 'taken'],
    ['PNG with a page behind its end', Buffer.concat([png, latin1('<script>alert(1)</script>')]), 'taken'],
  ];
}

/** A marker segment (ITU T.81, annex B). */
const segment = (marker: number, ...data: number[]) => [
  0xff,
  marker,
  (data.length + 2) >> 8,
  (data.length + 2) & 255,
  ...data,
];

/** A Huffman table of one code, the bit 0, which stands for `symbol`. */
const table = (classAndId: number, symbol: number) =>
  segment(0xc4, classAndId, 1, ...Array(15).fill(0), symbol);

/**
 * A progressive JPEG of one component whose scans say over and over, in a few bytes, that nothing changes; the decoder
 * goes over all blocks for each.
 */
function scansOfNothing(width: number, count: number): Uint8Array {
  const size = [width >> 8, width & 255, width >> 8, width & 255];
  const head = [
    ...[0xff, 0xd8],
    ...segment(0xdb, 0, ...Array(64).fill(1)),
    ...segment(0xc2, 8, ...size, 1, 1, 0x11, 0),
    ...table(0x00, 0),
    ...table(0x10, 0xe0),
  ];
  // The symbol 0xE0: an end of band for 2^14 blocks and more, by the next 14 bits (section G.1.2.2).
  const runs = Math.ceil(Math.ceil(width / 8) ** 2 / (2 ** 15 - 1));
  const entropy = Buffer.alloc(Math.ceil((runs * 15) / 8), 0x7e);
  const scan = [...segment(0xda, 1, 1, 0x00, 1, 63, 0), ...entropy];
  const scans = Buffer.alloc(count * scan.length, Uint8Array.from(scan));
  return Buffer.concat([Uint8Array.from(head), scans, Uint8Array.of(0xff, 0xd9)]);
}

async function jpegs(): Promise<[string, Uint8Array, HostileImage['outcome']][]> {
  const jpeg = await jpegFile(plain(24, 16, [200, 100, 50, 255]));
  const at = jpeg.findIndex(
    (byte, index) => byte === 0xff && [0xc0, 0xc2].includes(jpeg[index + 1] as number),
  );
  const comment = segment(0xfe, 0x61);
  const comments = Buffer.alloc(500_000 * comment.length, Uint8Array.from(comment));
  const noise = plain(heavySide, heavySide, [0, 0, 0, 255]);
  for (let i = 0; i < noise.pixels.length; i++) noise.pixels[i] = (i * 2654435761) >>> 24;
  return [
    ['JPEG of 65,535 x 65,535 pixels', broken(jpeg, at + 5, 255, 255, 255, 255), 'image_dimensions'],
    [
      'JPEG in steps, larger than may be',
      await jpegFile(plain(side, side, [9, 99, 199, 255])),
      'image_dimensions',
    ],
    [
      'JPEG in steps, as large as may be',
      await jpegFile(plain(heavySide, heavySide, [9, 99, 199, 255])),
      'taken',
    ],
    [
      'JPEG as large as may be, at once',
      await jpegFile(plain(side, side, [9, 99, 199, 255]), { progressive: false }),
      'taken',
    ],
    ['JPEG of noise, in steps', await jpegFile(noise, { quality: 30 }), 'taken'],
    ['JPEG of 280,000 scans of nothing', scansOfNothing(heavySide, 280_000), 'image_corrupt'],
    ['JPEG of as many scans of nothing as may be', scansOfNothing(heavySide, limits.imageScans), 'taken'],
    ['JPEG of 500,000 comments', Buffer.concat([jpeg.subarray(0, 2), comments, jpeg.subarray(2)]), 'taken'],
    ['JPEG cut off', jpeg.subarray(0, jpeg.length / 2), 'image_corrupt'],
    ['JPEG of a header alone', jpeg.subarray(0, 20), 'image_corrupt'],
    ['JPEG without its header', Uint8Array.of(0xff, 0xd8, 0xff, 0xd9), 'image_corrupt'],
    ['JPEG with arithmetic coding', broken(jpeg, at + 1, 0xc9), 'image_corrupt'],
  ];
}

const riff = (body: Uint8Array) => {
  const head = latin1('RIFF\0\0\0\0WEBP');
  new DataView(head.buffer).setUint32(4, body.length + 4, true);
  return Buffer.concat([head, body]);
};

async function webps(): Promise<[string, Uint8Array, HostileImage['outcome']][]> {
  const webp = await webpFile(disc(20, 14));
  const at = Buffer.from(webp).indexOf('VP8L');
  const canvas = (flags: number) =>
    latin1(`VP8X\x0a\0\0\0${String.fromCharCode(flags)}\0\0\0\x13\0\0\x0d\0\0`);
  const profile = Buffer.concat([latin1('ICCP'), Uint8Array.of(0, 0, 0x10, 0), new Uint8Array(mebibyte)]);
  const image = webp.subarray(12);
  return [
    ['WebP of 16,384 x 16,384 pixels', broken(webp, at + 9, 255, 255, 255, 15), 'image_dimensions'],
    ['WebP as large as may be', await webpFile(plain(side, side, [9, 99, 199, 255])), 'taken'],
    [
      'WebP as large as may be, with losses',
      await webpFile(plain(side, side, [9, 99, 199, 255]), { lossless: 0 }),
      'taken',
    ],
    ['WebP with a profile of 1 MiB', riff(Buffer.concat([canvas(0x30), profile, image])), 'taken'],
    [
      'WebP whose canvas is another one',
      riff(Buffer.concat([broken(canvas(0x10), 12, 1), image])),
      'image_corrupt',
    ],
    ['WebP in motion', riff(Buffer.concat([canvas(0x02), image])), 'image_animated'],
    ['WebP cut off', webp.subarray(0, webp.length / 2), 'image_corrupt'],
    ['WebP of a header alone', webp.subarray(0, 16), 'image_corrupt'],
    ['WebP of an unknown kind', broken(webp, at, 0x58), 'image_corrupt'],
  ];
}

const others: [string, Uint8Array, HostileImage['outcome']][] = [
  ['nothing', none, 'image_corrupt'],
  ['SVG', latin1('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'), 'image_type'],
  [
    'SVG of a million laughs',
    latin1(`<!DOCTYPE s [<!ENTITY a "${'&b;'.repeat(1000)}">]><svg>&a;</svg>`),
    'image_type',
  ],
  ['HTML', latin1('<!doctype html><script>alert(1)</script>'), 'image_type'],
  ['HTML with a PNG behind it', Buffer.concat([latin1('<html>'), png]), 'image_type'],
  ['GIF of 65,535 x 65,535 pixels', latin1('GIF89a\xff\xff\xff\xff\x80\0\0'), 'image_type'],
  ['GIF that is a script', latin1('GIF89a=1;alert(1)'), 'image_type'],
  ['BMP', latin1('BM\xff\xff\xff\xff\0\0\0\0\x36'), 'image_type'],
  ['TIFF', latin1('II*\0\x08\0\0\0\xff\xff'), 'image_type'],
  ['AVIF', latin1('\0\0\0\x20ftypavif'), 'image_type'],
  ['a PDF', latin1('%PDF-1.7'), 'image_type'],
  ['a ZIP', latin1('PK\x03\x04'), 'image_type'],
  ['zeros', new Uint8Array(4_000_000), 'image_type'],
];

/** Bombs, fragments and strangers of every kind. */
export async function hostileImages(): Promise<HostileImage[]> {
  const all = [...(await pngs()), ...(await jpegs()), ...(await webps()), ...others];
  return all.map(([name, bytes, outcome]) => ({ name, bytes: new Uint8Array(bytes), outcome }));
}
