import { deflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { encodeApng } from '../../src/media/apng.ts';
import { encodePng } from '../../src/media/png.ts';
import { type PngChunk, pngChunks, pngFile } from '../../src/media/png-chunk.ts';
import { joined } from '../media/joined.ts';
import { disc } from '../media/sample-image.ts';
import { refusal, TestService } from './test-service.ts';

const service = new TestService();
const png = encodePng(disc(8, 6));

function withSize(width: number, height: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(png);
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return bytes;
}

/** A PNG of 8x6 pixels whose data inflate to a megabyte. */
function swollen(): Uint8Array<ArrayBuffer> {
  const chunks = pngChunks(png, (reason) => new Error(reason));
  const data = deflateSync(new Uint8Array(1024 * 1024));
  return new Uint8Array(
    pngFile(chunks.map((chunk) => (chunk.type === 'IDAT' ? { type: 'IDAT', data } : chunk))),
  );
}

/** A PNG whose first header is small, and whose second one is of 10000x10000 pixels. */
function withTwoHeaders(): Uint8Array<ArrayBuffer> {
  const [header, ...rest] = pngChunks(png, (reason) => new Error(reason)) as [PngChunk, ...PngChunk[]];
  const data = header.data.slice();
  new DataView(data.buffer).setUint32(0, 10_000);
  new DataView(data.buffer).setUint32(4, 10_000);
  return new Uint8Array(pngFile([header, { type: 'IHDR', data }, ...rest]));
}

const rows: [name: string, file: Uint8Array<ArrayBuffer>, status: number, code: string][] = [
  ['of too many pixels', withSize(100_000, 100_000), 422, 'image_dimensions'],
  ['with more data than its header promises', swollen(), 422, 'image_inflate_limit'],
  ['with two headers', withTwoHeaders(), 422, 'image_corrupt'],
  ['with a wrong checksum', withSize(4, 4), 422, 'image_corrupt'],
  ['that is truncated', new Uint8Array(png.subarray(0, 50)), 422, 'image_corrupt'],
  ['that is empty', new Uint8Array(0), 422, 'image_corrupt'],
  ['that moves', new Uint8Array(await joined(encodeApng([png, png], 2, 8))), 422, 'image_animated'],
  ['that is SVG', new Uint8Array(Buffer.from('<svg/>')), 415, 'image_type'],
  ['that is HTML', new Uint8Array(Buffer.from('<html></html>')), 415, 'image_type'],
];

it.each(rows)('refuses an image %s, as a file and as a data: URL', async (_, file, status, code) => {
  expect(await refusal(service.postForm({ input_reference: file }))).toEqual([
    status,
    code,
    'input_reference',
  ]);
  const url = `data:image/png;base64,${Buffer.from(file).toString('base64')}`;
  expect(await refusal(service.postJson({ input_reference: url }))).toEqual([
    status,
    code,
    'input_reference',
  ]);
  const reference = { image_url: url };
  expect(await refusal(service.postJson({ input_reference: reference }))).toEqual([
    status,
    code,
    'input_reference',
  ]);
});

it('refuses a data: URL that is not base64', async () => {
  const answer = service.postJson({ input_reference: 'data:image/png;base64,$$$' });
  expect(await refusal(answer)).toEqual([422, 'image_corrupt', 'input_reference']);
});
