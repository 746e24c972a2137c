import type { LayerArchive } from './layer-archive.ts';
import type { NumpyRandom } from './numpy-random.ts';
import { columnsShown, combat, type Label, labels } from './timeline.ts';

const DIRECTIONS = 4;

/** Ends the name of the part of an item that is drawn below everything else. */
export const BEHIND = '/_Behind';

/** One item in one of its colourings. */
export interface Layer {
  readonly item: string;
  readonly colour: number;
}

/** A character: layers from bottom to top, and the labels that every one of them has sheets for. */
export interface Recipe {
  readonly layers: readonly Layer[];
  readonly fighter: boolean;
  readonly labels: readonly Label[];
}

/** Draws characters: which items go together, and how often each is worn. */
export interface Wardrobe {
  /** What a character begins with; its sheets say what the character can do. */
  readonly bodies: readonly string[];
  recipe(random: NumpyRandom): Recipe;
  /** Whether any character may wear an item, sheets or not. */
  reaches(item: string): boolean;
}

/** An archive's items as things to wear: each has the sheets of some labels, in the size of a frame, or not. */
export class Closet {
  readonly archive: LayerArchive;
  readonly #cell: number;
  readonly #playable = new Map<string, readonly Label[]>();

  /** @param cell height and width of a frame in pixels */
  constructor(archive: LayerArchive, cell: number) {
    this.archive = archive;
    this.#cell = cell;
  }

  /** Names of the items that are drawn in their own place, in archive order. */
  get items(): string[] {
    return this.archive.items.filter((item) => !item.endsWith(BEHIND));
  }

  /** Labels that an item has every sheet for, the part behind the body included. */
  playable(item: string): readonly Label[] {
    const known = this.#playable.get(item);
    if (known !== undefined) return known;
    const parts = [item, item + BEHIND].filter((part) => this.archive.has(part));
    const able = labels.filter((label) => parts.every((part) => this.#lacking(part, label).length === 0));
    this.#playable.set(item, able);
    return able;
  }

  /** Whether an item can be worn by a character of these labels. */
  fits(item: string, wanted: readonly Label[]): boolean {
    return wanted.every((label) => this.playable(item).includes(label));
  }

  /** Sheets that an item needs for some labels and lacks, or has in another size. */
  lackingSheets(item: string, wanted: readonly Label[]): string[] {
    return [...new Set(wanted.flatMap((label) => this.#lacking(item, label)))];
  }

  #lacking(item: string, label: Label): string[] {
    const shown = [...columnsShown(label)];
    return shown.filter(([sheet, columns]) => !this.#hasCells(item, sheet, columns)).map(([sheet]) => sheet);
  }

  #hasCells(item: string, sheet: string, columns: number): boolean {
    const size = this.archive.size(item, sheet);
    return size !== undefined && size[0] === DIRECTIONS * this.#cell && size[1] >= columns * this.#cell;
  }
}

/** A character while it is drawn. */
export class Outfit {
  readonly #closet: Closet;
  readonly #layers: Layer[] = [];
  readonly labels: readonly Label[];
  readonly fighter: boolean;

  /** @param body whose sheets say what the character can do; it is not worn yet */
  constructor(closet: Closet, body: string, wantsToFight: boolean) {
    const able = closet.playable(body);
    this.#closet = closet;
    this.fighter = wantsToFight && able.some((label) => combat.has(label));
    this.labels = this.fighter ? able : able.filter((label) => !combat.has(label));
  }

  /** Those of `items` that have the sheets this character needs. */
  fitting(items: readonly string[]): string[] {
    return items.filter((item) => this.#closet.fits(item, this.labels));
  }

  /** The name of a colouring that is drawn at random. */
  randomColour(item: string, random: NumpyRandom): string {
    return random.pick(this.#closet.archive.colours(item));
  }

  /** Whether an item has a colouring of that name. */
  comesIn(item: string, colour: string): boolean {
    return this.#closet.archive.colours(item).includes(colour);
  }

  /** Puts an item on top, its part behind the body below all; in its first colouring where it has none of that name. */
  wear(item: string, colour: string): void {
    this.#layers.push(this.#layer(item, colour));
    const behind = item + BEHIND;
    if (this.#closet.archive.has(behind)) this.#layers.unshift(this.#layer(behind, colour));
  }

  finished(): Recipe {
    return { layers: this.#layers, fighter: this.fighter, labels: this.labels };
  }

  #layer(item: string, colour: string): Layer {
    return { item, colour: Math.max(0, this.#closet.archive.colours(item).indexOf(colour)) };
  }
}
