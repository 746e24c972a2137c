import { BEHIND, type Closet, Outfit, type Recipe, type Wardrobe } from './closet.ts';
import type { NumpyRandom } from './numpy-random.ts';
import { combat } from './timeline.ts';

const FIGHTERS = 0.75;
const WORN = 0.75;

const bodyParts = ['head', 'heads', 'face', 'ears', 'nose', 'arms', 'hands', 'tails'];

/**
 * Characters from an archive of any names. Items of one folder (the name up to its last slash) are
 * alternatives, the first folder holds the bodies, and archive order is from bottom to top. Every
 * character has a body, and one item of each other folder: always, and in the body's colouring by
 * name, where the folder's name is that of a part of the body; else with probability 3/4, in any.
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
      if (items.length === 0) continue;
      const item = random.pick(items);
      if (isBodyPart(item)) outfit.wear(item, skin);
      else if (random.fraction() < WORN) outfit.wear(item, outfit.randomColour(item, random));
    }
    return outfit.finished();
  }
}

/** An item without a folder is one by itself. */
function folderOf(item: string): string {
  const slash = item.lastIndexOf('/');
  return slash < 0 ? item : item.slice(0, slash);
}

function isBodyPart(item: string): boolean {
  return bodyParts.includes(folderOf(item).split('/').at(-1)?.toLowerCase() ?? '');
}
