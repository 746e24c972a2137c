import { unzipSync } from 'fflate';
import { Unmeasurable } from './unmeasurable.ts';

/** An array of bytes or of little-endian words of 32 bits, in C order. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array | Uint32Array;
}

const MAGIC = '\x93NUMPY';

/** The arrays of a NumPy `.npz` file, each inflated when it is asked for. */
export class NpzArchive {
  readonly #bytes: Uint8Array;
  readonly #names = new Set<string>();

  /** @throws Unmeasurable where the bytes are no zip file */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#unzipped(({ name }) => {
      this.#names.add(name);
      return false;
    });
  }

  has(name: string): boolean {
    return this.#names.has(fileOf(name));
  }

  /** @throws Unmeasurable where there is no such array, or it is damaged or of another type than bytes or words */
  array(name: string): NpyArray {
    const bytes = this.#unzipped((file) => file.name === fileOf(name))[fileOf(name)];
    if (bytes === undefined) throw new Unmeasurable(`the archive has no array ${name}`);
    return parsedNpy(name, bytes);
  }

  #unzipped(filter: (file: { readonly name: string }) => boolean): Record<string, Uint8Array> {
    try {
      return unzipSync(this.#bytes, { filter });
    } catch (error) {
      throw new Unmeasurable(`the archive is no intact .npz file: ${(error as Error).message}`);
    }
  }
}

function fileOf(name: string): string {
  return `${name}.npy`;
}

/** Source: the NumPy documentation, "numpy.lib.format". */
function parsedNpy(name: string, bytes: Uint8Array): NpyArray {
  const text = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
  if (text(0, MAGIC.length) !== MAGIC || bytes.length < 12)
    throw new Unmeasurable(`${name} is no .npy array`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [begin, length] = bytes[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  const header = text(begin, begin + length);
  const type = /'descr': *'([^']*)'/.exec(header)?.[1];
  const shape = (/'shape': *\(([0-9, ]*)\)/.exec(header)?.[1] ?? '').match(/\d+/g)?.map(Number) ?? [];
  const isRowByRow = /'fortran_order': *False/.test(header);
  if ((type !== '|u1' && type !== '<u4') || !isRowByRow) {
    throw new Unmeasurable(`${name} is an array of ${type}; only |u1 and <u4 in C order are read`);
  }
  const wanted = shape.reduce((product, size) => product * size, type === '|u1' ? 1 : 4);
  const data = bytes.slice(begin + length);
  if (data.length !== wanted) throw new Unmeasurable(`${name} has ${data.length} bytes, not ${wanted}`);
  return { shape, data: type === '|u1' ? data : new Uint32Array(data.buffer) };
}
