import { type PngChunk, pngChunks, pngFile } from './png-chunk.ts';

const damaged = (reason: string) => new Error(`own PNG: ${reason}`);

/**
 * An endlessly repeating APNG from PNG files of one size and colour type, such as encodePng writes: their data are
 * taken over as they are, so nothing is inflated or lost (PNG specification, third edition, section 11.3.6).
 * Every frame lasts exactly 1 / framesPerSecond.
 */
export function encodeApng(frames: readonly Uint8Array[], framesPerSecond: number): Uint8Array {
  const cut = frames.map((png) => pngChunks(png, damaged));
  const header = cut[0]?.[0];
  if (header === undefined) throw new Error('an APNG has at least one frame');
  const size = header.data.subarray(0, 8);
  const chunks: PngChunk[] = [header, { type: 'acTL', data: words(frames.length, 0) }];
  let sequence = 0;
  cut.forEach((frame, index) => {
    chunks.push({ type: 'fcTL', data: frameControl(sequence++, size, framesPerSecond) });
    for (const { data } of frame.filter((chunk) => chunk.type === 'IDAT')) {
      if (index === 0) chunks.push({ type: 'IDAT', data });
      else chunks.push({ type: 'fdAT', data: concatenated(words(sequence++), data) });
    }
  });
  chunks.push({ type: 'IEND', data: new Uint8Array(0) });
  return pngFile(chunks);
}

/** Whole frames that replace each other: no offset, dispose and blend operation 0. */
function frameControl(sequence: number, size: Uint8Array, framesPerSecond: number): Uint8Array {
  const data = new Uint8Array(26);
  const view = new DataView(data.buffer);
  view.setUint32(0, sequence);
  data.set(size, 4);
  view.setUint16(20, 1);
  view.setUint16(22, framesPerSecond);
  return data;
}

function words(...values: number[]): Uint8Array {
  const data = new Uint8Array(values.length * 4);
  const view = new DataView(data.buffer);
  values.forEach((value, index) => {
    view.setUint32(index * 4, value);
  });
  return data;
}

function concatenated(first: Uint8Array, second: Uint8Array): Uint8Array {
  const data = new Uint8Array(first.length + second.length);
  data.set(first);
  data.set(second, first.length);
  return data;
}
