import { type Bounds, checkRest, firstWorld, keyOf, moves, type SmallWorld } from './exhaustive-world.ts';

export interface Exploration {
  /** Worlds that are not alike. */
  readonly states: number;
  readonly moves: number;
  /** Worlds that are not alike and in which a job is cancelled next. */
  readonly cancellations: number;
  readonly violation: { readonly what: string; readonly path: readonly string[] } | null;
}

/** How a world was come to first. */
interface Origin {
  readonly from: number;
  readonly move: string;
}

/**
 * Visits every world that can be come to within bounds, breadth first, and checks each; at the end, that from every one
 * of them a world at rest can be come to without anything from outside.
 */
export function explore(bounds: Bounds, progress: (states: number) => void = () => undefined): Exploration {
  const first = firstWorld(bounds);
  const numbers = new Map([[keyOf(first), 0]]);
  const origins: Origin[] = [{ from: -1, move: 'all jobs are created' }];
  /** Of each world, those that it goes on to by itself. */
  const next: number[][] = [];
  const resting: number[] = [];
  let level: SmallWorld[] = [first];
  let count = 0;
  let cancellations = 0;
  let at = 0;
  while (level.length > 0) {
    const found: SmallWorld[] = [];
    for (const world of level) {
      let name = '';
      try {
        const forward: number[] = [];
        for (const move of moves(world, bounds)) {
          count++;
          cancellations += Number(move.kind === 'cancellation');
          name = move.name;
          const after = move.apply();
          const key = keyOf(after);
          let number = numbers.get(key);
          if (number === undefined) {
            number = origins.length;
            numbers.set(key, number);
            origins.push({ from: at, move: move.name });
            found.push(after);
          }
          if (move.kind === 'progress') forward.push(number);
        }
        next.push(forward);
        name = 'everything comes to rest';
        if (forward.length === 0) {
          checkRest(world);
          resting.push(at);
        }
      } catch (error) {
        const what = error instanceof Error ? error.message : String(error);
        return {
          states: origins.length,
          moves: count,
          cancellations,
          violation: { what, path: [...pathTo(origins, at), name] },
        };
      }
      at++;
    }
    progress(origins.length);
    level = found;
  }
  const stuck = firstStuck(next, resting);
  const what = 'nothing more brings it to rest';
  const violation = stuck === null ? null : { what, path: pathTo(origins, stuck) };
  return { states: origins.length, moves: count, cancellations, violation };
}

/** A world from which none at rest can be come to, or null. */
function firstStuck(next: readonly (readonly number[])[], resting: readonly number[]): number | null {
  const before: number[][] = next.map(() => []);
  for (const [from, followers] of next.entries()) for (const to of followers) before[to]?.push(from);
  const isGood = new Uint8Array(next.length);
  const waiting = [...resting];
  for (const world of resting) isGood[world] = 1;
  for (let world = waiting.pop(); world !== undefined; world = waiting.pop()) {
    for (const from of before[world] ?? []) {
      if (isGood[from] === 1) continue;
      isGood[from] = 1;
      waiting.push(from);
    }
  }
  const stuck = isGood.indexOf(0);
  return stuck === -1 ? null : stuck;
}

function pathTo(origins: readonly Origin[], world: number): string[] {
  const path: string[] = [];
  for (let at = world; at >= 0; at = (origins[at] as Origin).from) path.unshift((origins[at] as Origin).move);
  return path;
}
