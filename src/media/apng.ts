import { chunkBytes, type PngChunk, pngChunks, pngSignature } from './png-chunk.ts';

const damaged = (reason: string) => new Error(`own PNG: ${reason}`);

/**
 * An endlessly repeating APNG, a piece for every frame, from PNG files of one size and colour type, such as encodePng
 * writes: their data are taken over as they are, so nothing is inflated or lost (PNG specification, third edition,
 * section 11.3.6). Every frame lasts exactly 1 / framesPerSecond.
 * @param count number of frames, which stands at the beginning of the file
 * @throws where there are fewer or more frames
 */
export async function* encodeApng(
  frames: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  count: number,
  framesPerSecond: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let index = 0;
  let sequence = 0;
  for await (const png of frames) {
    const cut = pngChunks(png, damaged);
    const [header] = cut;
    if (header === undefined) throw damaged('it is empty');
    const data = cut.filter((chunk) => chunk.type === 'IDAT').map((chunk) => chunk.data);
    const control = frameControl(sequence++, header.data.subarray(0, 8), framesPerSecond);
    const chunks: PngChunk[] = [{ type: 'fcTL', data: control }];
    if (index === 0) {
      yield pngSignature.slice();
      chunks.unshift(header, { type: 'acTL', data: words(count, 0) });
      chunks.push(...data.map((piece) => ({ type: 'IDAT', data: piece })));
    } else {
      chunks.push(...data.map((piece) => ({ type: 'fdAT', data: concatenated(words(sequence++), piece) })));
    }
    yield chunkBytes(chunks);
    index += 1;
  }
  if (index !== count) throw new Error(`an APNG of ${count} frames got ${index}`);
  yield chunkBytes([{ type: 'IEND', data: new Uint8Array(0) }]);
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
