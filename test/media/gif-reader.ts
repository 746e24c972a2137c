/** A GIF as a viewer sees it. */
export interface ReadGif {
  readonly width: number;
  readonly height: number;
  /** 0 = for ever; null = once */
  readonly repeats: number | null;
  readonly frames: { readonly delayHundredths: number /** RGBA */; readonly pixels: Uint8Array }[];
}

/** Reads whole-frame GIFs independently of the encoder (GIF89a specification, sections 18 to 26). */
export function readGif(bytes: Uint8Array): ReadGif {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = view.getUint16(6, true);
  const height = view.getUint16(8, true);
  const globalTable = colourTable(bytes, 13, bytes[10] as number);
  const frames: ReadGif['frames'] = [];
  let repeats: number | null = null;
  let at = 13 + globalTable.length;
  let delayHundredths = 0;
  let transparent = -1;
  while (bytes[at] !== 0x3b) {
    if (bytes[at] === 0x21) {
      const label = bytes[at + 1];
      if (label === 0xf9) {
        delayHundredths = view.getUint16(at + 4, true);
        transparent = ((bytes[at + 3] as number) & 1) === 1 ? (bytes[at + 6] as number) : -1;
      }
      if (label === 0xff) repeats = view.getUint16(at + 16, true);
      at = blocks(bytes, at + 2).end;
      continue;
    }
    const packed = bytes[at + 9] as number;
    const localTable = colourTable(bytes, at + 10, packed);
    const table = localTable.length > 0 ? localTable : globalTable;
    const codeSizeAt = at + 10 + localTable.length;
    const { data, end } = blocks(bytes, codeSizeAt + 1);
    const indices = inflateLzw(data, bytes[codeSizeAt] as number);
    const pixels = new Uint8Array(width * height * 4);
    for (let i = 0; i < width * height; i++) {
      const index = indices[i] as number;
      if (index !== transparent) pixels.set([...table.subarray(index * 3, index * 3 + 3), 255], i * 4);
    }
    frames.push({ delayHundredths, pixels });
    at = end;
  }
  return { width, height, repeats, frames };
}

function colourTable(bytes: Uint8Array, at: number, packed: number): Uint8Array {
  return (packed & 0x80) === 0 ? new Uint8Array(0) : bytes.subarray(at, at + 3 * 2 ** ((packed & 7) + 1));
}

function blocks(bytes: Uint8Array, start: number): { data: number[]; end: number } {
  const data: number[] = [];
  let at = start;
  for (let size = bytes[at] as number; size > 0; size = bytes[at] as number) {
    data.push(...bytes.subarray(at + 1, at + 1 + size));
    at += size + 1;
  }
  return { data, end: at + 1 };
}

function inflateLzw(data: number[], minimumBits: number): number[] {
  const clear = 2 ** minimumBits;
  const output: number[] = [];
  let table: number[][] = [];
  let bits = 0;
  let previous: number[] | null = null;
  const reset = () => {
    table = Array.from({ length: clear + 2 }, (_, index) => (index < clear ? [index] : []));
    bits = minimumBits + 1;
    previous = null;
  };
  reset();
  for (let position = 0; ; ) {
    let code = 0;
    for (let bit = 0; bit < bits; bit++, position++) {
      code |= (((data[position >> 3] as number) >> (position & 7)) & 1) << bit;
    }
    if (code === clear + 1) return output;
    if (code === clear) {
      reset();
      continue;
    }
    const entry: number[] = table[code] ?? [...(previous ?? []), (previous?.[0] ?? 0) as number];
    output.push(...entry);
    if (previous !== null && table.length < 4096) table.push([...previous, entry[0] as number]);
    if (table.length === 2 ** bits && bits < 12) bits += 1;
    previous = entry;
  }
}
