import { BEHIND, type Closet, Outfit, type Recipe, type Wardrobe } from './closet.ts';
import type { NumpyRandom } from './numpy-random.ts';
import { combat } from './timeline.ts';

const FIGHTERS = 0.75;
const WORN = 0.75;

/**
 * Characters from an archive of any names. Items of one folder (the name up to its last slash) are
 * alternatives; the first folder holds bodies. Every character has a body, one item of each other
 * folder with probability 3/4, and archive order is from bottom to top. An item takes the
 * colouring of the body's name (skin) where it has one, else any.
 */
export class FolderWardrobe implements Wardrobe {
  readonly #closet: Closet;
  readonly bodies: readonly string[];
  readonly #folders: readonly (readonly string[])[];

  constructor(closet: Closet) {
    const movable = closet.items.filter((item) => closet.playable(item).some((label) => !combat.has(label)));
    const [bodies = [], ...folders] = Map.groupBy(movable, folderOf).values();
    this.#closet = closet;
    this.bodies = bodies;
    this.#folders = folders;
  }

  reaches(item: string): boolean {
    return !item.endsWith(BEHIND) || this.#closet.archive.has(item.slice(0, -BEHIND.length));
  }

  recipe(random: NumpyRandom): Recipe {
    const body = random.pick(this.bodies);
    const outfit = new Outfit(this.#closet, body, random.fraction() < FIGHTERS);
    const skin = outfit.randomColour(body, random);
    outfit.wear(body, skin);
    for (const folder of this.#folders) {
      const items = outfit.fitting(folder);
      if (items.length === 0 || random.fraction() >= WORN) continue;
      const item = random.pick(items);
      outfit.wear(item, outfit.comesIn(item, skin) ? skin : outfit.randomColour(item, random));
    }
    return outfit.finished();
  }
}

/** An item without a folder is one by itself. */
function folderOf(item: string): string {
  const slash = item.lastIndexOf('/');
  return slash < 0 ? item : item.slice(0, slash);
}
