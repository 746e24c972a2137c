import { crc32 } from 'node:zlib';
import type { Closet, Recipe, Wardrobe } from './closet.ts';
import { FolderWardrobe } from './folder-wardrobe.ts';
import type { LeftOut } from './left-out.ts';
import { LpcWardrobe } from './lpc-wardrobe.ts';
import { NumpyRandom } from './numpy-random.ts';
import { combat, type Label, labels } from './timeline.ts';
import { Unmeasurable } from './unmeasurable.ts';

/** Items that the sprite model was not trained on. */
const heldOut = [
  'Medium 03 - Idol',
  'Short 05 - Natural',
  'Shirt 06 - Scoop T-shirt',
  'Sweater 01 - Cardigan',
];

/** Recipes whose checksum falls into fold 0 are never trained on. */
const FOLDS = 16;
const ATTEMPTS = 1000;

interface SplitRange {
  readonly firstSeed: number;
  readonly characters: number;
}

/** The splits of training/magi/data/sprites.py; `all` is of every item, and its characters all differ. */
const splits = {
  all: { firstSeed: 4_000_000, characters: 1_000_000 },
  val: { firstSeed: 1_000_000, characters: 200 },
  'test-combo': { firstSeed: 2_000_000, characters: 500 },
  'test-item': { firstSeed: 3_000_000, characters: 300 },
} as const satisfies Record<string, SplitRange>;
export type Split = keyof typeof splits;

export const splitNames = Object.keys(splits) as Split[];

/** Draws the characters of a split from an archive. */
export class Cast {
  readonly rule: 'LPC Revised' | 'folders';
  readonly #closet: Closet;
  readonly #wardrobe: Wardrobe;
  readonly #split: Split;

  /** @throws Unmeasurable where no item can be animated, or the split needs other names than the archive has */
  constructor(closet: Closet, split: Split) {
    this.rule = LpcWardrobe.suits(closet) ? 'LPC Revised' : 'folders';
    if (this.rule === 'folders' && split !== 'all') {
      throw new Unmeasurable(
        `the archive has no body with the names of LPC Revised, by which split ${split} is drawn; use --split all`,
      );
    }
    const mayWear = (item: string) => ['all', 'test-item'].includes(split) || !isHeldOut(item);
    this.#closet = closet;
    this.#wardrobe = this.rule === 'folders' ? new FolderWardrobe(closet) : new LpcWardrobe(closet, mayWear);
    this.#split = split;
    if (this.#wardrobe.bodies.length > 0) return;
    throw new Unmeasurable(
      'the archive has no item with the sheets of any label in the size of the model; each label needs idle, too',
    );
  }

  /** Labels that some character can play. */
  get labels(): Label[] {
    const { bodies } = this.#wardrobe;
    return labels.filter((label) => bodies.some((body) => this.#closet.playable(body).includes(label)));
  }

  /**
   * The first characters of the split: fewer than `count` where it has no more.
   * @throws Unmeasurable where it has none
   */
  characters(count: number): Recipe[] {
    const { characters, firstSeed } = splits[this.#split];
    const found: Recipe[] = [];
    const known = new Set<string>();
    for (let seed = firstSeed; seed < firstSeed + Math.min(count, characters); seed++) {
      const recipe = this.#character(seed, known);
      if (recipe === undefined) break;
      found.push(recipe);
      known.add(pythonText(recipe));
    }
    if (found.length > 0) return found;
    throw new Unmeasurable(`the archive makes no character of split ${this.#split}; use --split all`);
  }

  leftOut(): LeftOut {
    const items = this.#closet.archive.items;
    const reached = items.filter((item) => this.#wardrobe.reaches(item));
    const peaceful = this.labels.filter((label) => !combat.has(label));
    const lacking = reached.map((item) => [item, this.#closet.lackingSheets(item, peaceful)] as const);
    const worn = lacking.filter(([, sheets]) => sheets.length === 0).map(([item]) => item);
    return {
      lackingSheets: Object.fromEntries(lacking.filter(([, sheets]) => sheets.length > 0)),
      withoutRule: items.filter((item) => !reached.includes(item)),
      notInCombat: worn.filter((item) => this.#closet.lackingSheets(item, this.labels).length > 0),
    };
  }

  #character(seed: number, known: ReadonlySet<string>): Recipe | undefined {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const recipe = this.#wardrobe.recipe(new NumpyRandom([seed, attempt]));
      if (this.#belongs(recipe, known)) return recipe;
    }
    return undefined;
  }

  #belongs(recipe: Recipe, known: ReadonlySet<string>): boolean {
    if (this.#split === 'all') return !known.has(pythonText(recipe));
    if (this.#split === 'test-item') return recipe.layers.some(({ item }) => isHeldOut(item));
    return crc32(pythonText(recipe)) % FOLDS === 0;
  }
}

function isHeldOut(item: string): boolean {
  return heldOut.some((name) => item.endsWith(name));
}

/** A recipe as Python writes it, whose checksum decides what is trained on. */
function pythonText({ layers, fighter }: Recipe): string {
  const texts = layers.map(({ item, colour }) => `Layer(item=${quoted(item)}, colour=${colour})`);
  return `Recipe(layers=(${texts.join(', ')}), fighter=${fighter ? 'True' : 'False'})`;
}

function quoted(text: string): string {
  return text.includes("'") && !text.includes('"') ? `"${text}"` : `'${text.replaceAll("'", "\\'")}'`;
}
