import { crc32 } from 'node:zlib';

/** One chunk of a PNG file (PNG specification, section 5.3). */
export interface PngChunk {
  readonly type: string;
  readonly data: Uint8Array;
}

/** Begins every PNG file. */
export const pngSignature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** Length, type and checksum around a chunk's data. */
const framingBytes = 12;

/** All chunks of a PNG file, see walkedPng. */
export function pngChunks(bytes: Uint8Array, damaged: (reason: string) => Error): PngChunk[] {
  return [...walkedPng(bytes, damaged)];
}

/**
 * The chunks of a PNG file, one after another, to IEND; nothing is inflated or copied.
 * @throws what `damaged` makes of a reason, when a chunk is cut off or its checksum is wrong
 */
export function* walkedPng(
  bytes: Uint8Array,
  damaged: (reason: string) => Error,
): Generator<PngChunk, void, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = pngSignature.length;
  while (at + framingBytes <= bytes.length) {
    const length = view.getUint32(at);
    const end = at + framingBytes + length;
    if (end > bytes.length) break;
    if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) {
      throw damaged('a checksum in the PNG file is wrong');
    }
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    yield { type, data: bytes.subarray(at + 8, end - 4) };
    if (type === 'IEND') return;
    at = end;
  }
  throw damaged('the PNG file is cut off');
}

/** A PNG file of these chunks. */
export function pngFile(chunks: readonly PngChunk[]): Uint8Array {
  const body = chunkBytes(chunks);
  const file = new Uint8Array(pngSignature.length + body.length);
  file.set(pngSignature);
  file.set(body, pngSignature.length);
  return file;
}

/** Chunks as they stand in a file, one after the other. */
export function chunkBytes(chunks: readonly PngChunk[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { data }) => sum + framingBytes + data.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { type, data } of chunks) {
    view.setUint32(at, data.length);
    for (let i = 0; i < 4; i++) bytes[at + 4 + i] = type.charCodeAt(i);
    bytes.set(data, at + 8);
    const end = at + 8 + data.length;
    view.setUint32(end, crc32(bytes.subarray(at + 4, end)));
    at = end + 4;
  }
  return bytes;
}
