import { type Closet, Outfit, type Recipe, type Wardrobe } from './closet.ts';
import type { NumpyRandom } from './numpy-random.ts';
import { combat } from './timeline.ts';

/** Items of which a character wears one at random, with that probability. */
interface Slot {
  readonly prefix: string;
  readonly chance: number;
}

const BODY = /^Body\/Body \d+ - (.+)$/;
const NOSE = 'Head/Head Overlay 01 - Large Nose';
const EYES = 'Head/Head Overlay - Eyes';
const BEARDS = 'Hair/Facial Hair';
const BROWS = 'Hair/Eyebrows';
const HELMS = 'Head Accessories/Helm 0';
const PLUMES = 'Head Accessories/Helm Accessory';
const EYEWEAR: Slot = { prefix: 'Head Accessories/Eyewear', chance: 0.12 };
const HEADGEAR = 'Head Accessories/';

const naturalSkins = ['Bronze', 'Brown', 'Coffee', 'Honey', 'Ivory', 'Peach', 'Porcelain', 'Tan', 'Tawny'];

/** Which heads go with which body; any head goes with another one. */
const headsOfCut: Readonly<Record<string, readonly string[]>> = {
  'Feminine, Thin': ['Head 01 - Feminine'],
  'Masculine, Thin': ['Head 02 - Masculine', 'Head 03 - Elderly'],
};

/** From bottom to top, below `Clothing/<cut of the body>/`. */
const clothing: readonly Slot[] = [
  { prefix: 'Feet/Socks', chance: 0.3 },
  { prefix: 'Legs/', chance: 0.95 },
  { prefix: 'Feet/Shoes', chance: 0.85 },
  { prefix: 'Torso/', chance: 0.95 },
  { prefix: 'Torso 2/', chance: 0.3 },
  { prefix: 'Accessories/', chance: 0.1 },
];

/** Of folders with clothes that training never had. */
const otherChance = 0.3;

/**
 * Characters from an archive with the names of LPC Revised: the same ones from the same random
 * numbers as `Wardrobe` of training/magi/data/sprites.py. Where an archive has other bodies, heads,
 * kinds of hair or folders of clothes than that one, they are worn, too, and what it lacks is not.
 */
export class LpcWardrobe implements Wardrobe {
  readonly #closet: Closet;
  readonly #items: readonly string[];
  readonly bodies: readonly string[];
  readonly #hairKinds: readonly string[];
  readonly #heads: readonly string[];

  /** @param mayWear says whether an item is in the closet at all */
  constructor(closet: Closet, mayWear: (item: string) => boolean = () => true) {
    this.#closet = closet;
    this.#items = closet.items.filter(mayWear);
    this.bodies = bodiesOf(closet);
    this.#heads = closet.items.filter((item) => /^Head\/Head \d/.test(item));
    this.#hairKinds = [...byKind(closet.items, 'Hair/', [BEARDS, BROWS]).keys()];
  }

  /** Whether an archive has a body of these names that can move. */
  static suits(closet: Closet): boolean {
    return bodiesOf(closet).length > 0;
  }

  reaches(item: string): boolean {
    if (this.bodies.includes(item) || this.#heads.includes(item) || [NOSE, EYES].includes(item)) return true;
    return (
      /^(Hair|Head Accessories)\//.test(item) || this.bodies.some((body) => item.startsWith(wardrobeOf(body)))
    );
  }

  recipe(random: NumpyRandom): Recipe {
    const wantsToFight = random.fraction() < 0.75;
    const body = this.bodies[Math.floor(random.fraction() * this.bodies.length)] as string;
    const outfit = new Outfit(this.#closet, body, wantsToFight);
    this.#dressBody(outfit, body, random);
    const slots = clothing.map(({ prefix, chance }) => ({ prefix: wardrobeOf(body) + prefix, chance }));
    this.#fillSlots(outfit, slots, random);
    this.#wearOthers(
      outfit,
      wardrobeOf(body),
      slots.map(({ prefix }) => prefix),
      random,
    );
    this.#dressHead(outfit, body, random);
    this.#fillSlots(outfit, [EYEWEAR], random);
    this.#wearOthers(outfit, HEADGEAR, [HELMS, PLUMES, EYEWEAR.prefix], random);
    return outfit.finished();
  }

  /** Body, head, nose and eyes. */
  #dressBody(outfit: Outfit, body: string, random: NumpyRandom): void {
    const heads = outfit.fitting(this.#headsFor(body));
    const head = heads.length === 0 ? undefined : random.pick(heads);
    const { archive } = this.#closet;
    const shared = archive.colours(body).filter((skin) => head === undefined || outfit.comesIn(head, skin));
    const skins = shared.length === 0 ? archive.colours(body) : shared;
    const natural = skins.filter((skin) => naturalSkins.includes(skin));
    const skin = random.pick(natural.length > 0 && random.fraction() < 0.75 ? natural : skins);
    outfit.wear(body, skin);
    if (head !== undefined) outfit.wear(head, skin);
    const [nose] = outfit.fitting(this.#items.filter((item) => item === NOSE));
    if (random.fraction() < 0.1 && nose !== undefined && outfit.comesIn(nose, skin)) outfit.wear(nose, skin);
    for (const eyes of outfit.fitting(this.#items.filter((item) => item === EYES))) {
      outfit.wear(eyes, outfit.randomColour(eyes, random));
    }
  }

  /** Beard, brows, and a helm or hair. */
  #dressHead(outfit: Outfit, body: string, random: NumpyRandom): void {
    const helms = outfit.fitting(this.#startingWith(HELMS));
    const hasHelm = random.fraction() < 0.12 && helms.length > 0;
    const hair = this.#hair(outfit, random);
    if (!isFeminine(body) && random.fraction() < 0.3) this.#wearHair(outfit, BEARDS, hair.colour, random);
    this.#wearHair(outfit, BROWS, hair.colour, random);
    if (!hasHelm) {
      if (hair.item !== undefined) outfit.wear(hair.item, hair.colour);
      return;
    }
    const helm = wearOne(outfit, helms, 1, random) ?? '';
    for (const plume of outfit.fitting(this.#startingWith(PLUMES))) {
      const kind = plume.split(' - ').at(-1)?.split(' ')[0] ?? '';
      if (helm.includes(kind) && random.fraction() < 0.5)
        outfit.wear(plume, outfit.randomColour(plume, random));
    }
  }

  #hair(outfit: Outfit, random: NumpyRandom): { item?: string; colour: string } {
    if (this.#hairKinds.length === 0) return { colour: '' };
    const items = outfit.fitting(this.#startingWith(`Hair/${random.pick(this.#hairKinds)}`));
    if (items.length === 0) return { colour: '' };
    const item = random.pick(items);
    return { item, colour: outfit.randomColour(item, random) };
  }

  #wearHair(outfit: Outfit, prefix: string, colour: string, random: NumpyRandom): void {
    const items = outfit.fitting(this.#startingWith(prefix));
    if (items.length > 0) outfit.wear(random.pick(items), colour);
  }

  #fillSlots(outfit: Outfit, slots: readonly Slot[], random: NumpyRandom): void {
    for (const { prefix, chance } of slots) wearOne(outfit, this.#startingWith(prefix), chance, random);
  }

  /** One of each kind of items in a folder that no slot names. */
  #wearOthers(outfit: Outfit, folder: string, known: readonly string[], random: NumpyRandom): void {
    for (const items of byKind(this.#items, folder, known).values())
      wearOne(outfit, items, otherChance, random);
  }

  #headsFor(body: string): readonly string[] {
    const own = (headsOfCut[cutOf(body)] ?? []).map((name) => `Head/${name}`);
    const there = own.filter((head) => this.#heads.includes(head));
    return there.length > 0 ? there : this.#heads;
  }

  #startingWith(prefix: string): string[] {
    return this.#items.filter((item) => item.startsWith(prefix));
  }
}

function bodiesOf(closet: Closet): string[] {
  return closet.items.filter(
    (item) => BODY.test(item) && closet.playable(item).some((label) => !combat.has(label)),
  );
}

function cutOf(body: string): string {
  return BODY.exec(body)?.[1] ?? '';
}

function wardrobeOf(body: string): string {
  return `Clothing/${cutOf(body)}/`;
}

function isFeminine(body: string): boolean {
  return cutOf(body).startsWith('Feminine');
}

/** Wears one of the items that fit, in any colour, with that probability; answers which. */
function wearOne(
  outfit: Outfit,
  items: readonly string[],
  chance: number,
  random: NumpyRandom,
): string | undefined {
  if (random.fraction() >= chance) return undefined;
  const fitting = outfit.fitting(items);
  if (fitting.length === 0) return undefined;
  const item = random.pick(fitting);
  outfit.wear(item, outfit.randomColour(item, random));
  return item;
}

/** Items of a folder by their first word after it (`Medium` of `Hair/Medium 01 - Page`), without those of known prefixes. */
function byKind(items: readonly string[], folder: string, known: readonly string[]): Map<string, string[]> {
  const others = items.filter(
    (item) => item.startsWith(folder) && !known.some((prefix) => item.startsWith(prefix)),
  );
  return Map.groupBy(others, (item) => item.slice(folder.length).split(/[ /]/)[0] ?? item);
}
