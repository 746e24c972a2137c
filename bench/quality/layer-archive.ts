import { z } from 'zod';
import { type NpyArray, NpzArchive } from './npz-archive.ts';
import { Unmeasurable } from './unmeasurable.ts';

const Meta = z.record(
  z.string(),
  z.object({
    colours: z.array(z.string()).min(1, 'must name at least one colouring'),
    anims: z.record(z.string(), z.tuple([z.int(), z.int()])),
  }),
);

/** Entries of a smaller alpha are transparent. */
const VISIBLE_ALPHA = 128;

/** One item's colours, ready to draw. */
interface Colours {
  /** RGBA, R in the lowest byte: [colours, palette] */
  readonly words: Uint32Array;
  /** [palette] */
  readonly isVisible: readonly boolean[];
}

/** Palette indices of a sheet: [height, width]. */
export interface Sheet {
  readonly width: number;
  readonly indices: Uint8Array;
}

/**
 * An archive of character layers, as `npm run training -- layers` writes it: docs/training.md says
 * what is in it. What is read is what training reads (training/magi/data/layers.py).
 */
export class LayerArchive {
  readonly #arrays: NpzArchive;
  readonly #meta: z.infer<typeof Meta>;
  readonly #sheets = new Map<string, Sheet>();
  readonly #colours = new Map<string, Colours>();

  /** @throws Unmeasurable where the bytes are no archive of layers */
  constructor(bytes: Uint8Array) {
    this.#arrays = new NpzArchive(bytes);
    this.#meta = parsedMeta(this.#arrays.array('meta').data);
  }

  /** Names of all items, in archive order. */
  get items(): string[] {
    return Object.keys(this.#meta);
  }

  has(item: string): boolean {
    return Object.hasOwn(this.#meta, item);
  }

  /** Names of the colourings of an item. */
  colours(item: string): readonly string[] {
    return this.#item(item).colours;
  }

  /** Height and width of a sheet in pixels; undefined where the item has no such sheet. */
  size(item: string, sheet: string): readonly [number, number] | undefined {
    return this.#arrays.has(`${item}|${sheet}`) ? this.#item(item).anims[sheet] : undefined;
  }

  /**
   * Draws a square cell of a sheet in one colouring over `pixels`.
   * @param pixels RGBA words [cell, cell]
   * @throws Unmeasurable where the sheet or the colours are not as `meta` says
   */
  draw(
    pixels: Uint32Array,
    { item, colour }: { readonly item: string; readonly colour: number },
    sheet: string,
    { row, column, cell }: { readonly row: number; readonly column: number; readonly cell: number },
  ): void {
    const { width, indices } = this.#sheet(item, sheet);
    const { words, isVisible } = this.#coloursOf(item);
    for (let y = 0; y < cell; y++) {
      const from = (row * cell + y) * width + column * cell;
      for (let x = 0; x < cell; x++) {
        const index = indices[from + x] as number;
        if (isVisible[index]) pixels[y * cell + x] = words[colour * isVisible.length + index] as number;
      }
    }
  }

  #item(name: string) {
    const item = this.#meta[name];
    if (item === undefined) throw new Unmeasurable(`the archive has no item ${name}`);
    return item;
  }

  #sheet(item: string, sheet: string): Sheet {
    return remembered(this.#sheets, `${item}|${sheet}`, (name) => {
      const { shape, data } = this.#arrays.array(name);
      const [height, width = 0] = this.size(item, sheet) ?? [];
      if (shape[0] !== height || shape[1] !== width || !(data instanceof Uint8Array)) {
        throw new Unmeasurable(`${name} is ${kindOf({ shape, data })}, meta says bytes ${height} x ${width}`);
      }
      const entries = this.#coloursOf(item).isVisible.length;
      const largest = data.reduce((most, index) => Math.max(most, index), 0);
      if (largest < entries) return { width, indices: data };
      throw new Unmeasurable(`${name} has index ${largest} in a palette of ${entries} entries`);
    });
  }

  #coloursOf(item: string): Colours {
    return remembered(this.#colours, `${item}|lut`, (name) => {
      const { shape, data } = this.#arrays.array(name);
      const rows = this.#item(item).colours.length;
      const [count, entries = 0] = shape;
      if (count !== rows || entries === 0 || !(data instanceof Uint32Array)) {
        throw new Unmeasurable(`${name} is ${kindOf({ shape, data })}, meta names ${rows} colourings`);
      }
      const isVisible = Array.from({ length: entries }, (_, entry) => {
        if (entry === 0) return false;
        const column = Array.from({ length: rows }, (_, row) => data[row * entries + entry] as number);
        return column.every((word) => word >>> 24 >= VISIBLE_ALPHA);
      });
      return { words: data, isVisible };
    });
  }
}

function parsedMeta(bytes: Uint8Array | Uint32Array): z.infer<typeof Meta> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch (error) {
    throw new Unmeasurable(`the archive's array meta is no JSON: ${(error as Error).message}`);
  }
  const meta = Meta.safeParse(json);
  if (meta.success) return meta.data;
  const [issue] = meta.error.issues;
  throw new Unmeasurable(`the archive's array meta is wrong at ${issue?.path.join('.')}: ${issue?.message}`);
}

function kindOf({ shape, data }: NpyArray): string {
  return `${data instanceof Uint8Array ? 'bytes' : 'words'} ${shape.join(' x ')}`;
}

function remembered<T>(known: Map<string, T>, key: string, make: (key: string) => T): T {
  const value = known.get(key) ?? make(key);
  known.set(key, value);
  return value;
}
