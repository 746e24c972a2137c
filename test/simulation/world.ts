import { Turns } from '../../src/job/turns.ts';
import { SeededRandom } from '../seeded-random.ts';
import { drawFaults, type Faults } from './faults.ts';
import type { SimulatedObject } from './simulated-object.ts';
import type { Variant } from './variant.ts';
import { must } from './violation.ts';

interface Happening {
  readonly time: number;
  readonly order: number;
  readonly run: () => void;
}

/** A right to compute that its holder has not used for so long is taken over. */
const leaseMilliseconds = 3000;

/** More happenings than this in one run: something goes round in circles. */
const mostHappenings = 30_000;

/** Time, chance and the one process that everything runs in. */
export class World {
  readonly random: SeededRandom;
  /** For what concerns money alone: what else happens in the world of a seed does not depend on it. */
  readonly moneyRandom: SeededRandom;
  readonly faults: Faults;
  readonly variant: Variant;
  readonly trace: ((line: string) => void) | undefined;
  now = 1_000_000;
  /** True once no more faults happen. */
  isCalm = false;
  /** Of the model that is served. */
  build = 'build-1';

  /** Memory of the process: gone with it. */
  turns = new Turns();
  pasts = new Map<string, readonly number[]>();
  #holder: { readonly wake: object; readonly since: number } | null = null;

  readonly #objects: SimulatedObject[] = [];
  readonly #happenings: Happening[] = [];
  #order = 0;

  constructor(seed: number, variant: Variant, trace: ((line: string) => void) | undefined) {
    this.random = new SeededRandom(seed);
    this.moneyRandom = new SeededRandom(seed + 0x10000000);
    this.faults = drawFaults(this.random);
    this.variant = variant;
    this.trace = trace;
  }

  add(object: SimulatedObject): void {
    this.#objects.push(object);
  }

  note(who: string, what: string): void {
    this.trace?.(`${String(this.now - 1_000_000).padStart(7)} ms  ${who.padEnd(8)} ${what}`);
  }

  /** True, with that probability, as long as faults happen. */
  fault(probability: number): boolean {
    return !this.isCalm && this.random.chance(probability);
  }

  at(delay: number, run: () => void): void {
    const happening = { time: this.now + delay, order: this.#order++, run };
    const heap = this.#happenings;
    let place = heap.push(happening) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!isBefore(happening, heap[above] as Happening)) break;
      heap[place] = heap[above] as Happening;
      place = above;
    }
    heap[place] = happening;
  }

  /** Lets everything happen that is due before a time. */
  runUntil(time: number): void {
    for (
      let next = this.#happenings[0];
      next !== undefined && next.time <= time;
      next = this.#happenings[0]
    ) {
      must(this.#order < mostHappenings, () => 'the world does not come to rest');
      this.#takeFirst();
      this.now = Math.max(this.now, next.time);
      next.run();
    }
    this.now = Math.max(this.now, time);
  }

  /** Milliseconds that something small takes, to the network or back. */
  latency(): number {
    return this.random.chance(0.1) ? this.random.below(60) : this.random.below(4);
  }

  /** Calls an object: the request, the answer, or both can get lost, and the caller is told that it failed. */
  call<Result>(
    object: SimulatedObject,
    handle: () => Result,
    replied: (result: Result) => void,
    failed: () => void = () => undefined,
  ): void {
    if (this.fault(this.faults.lostRequest)) {
      this.at(this.latency(), failed);
      return;
    }
    this.at(this.latency(), () => {
      object.serve(
        handle,
        (result) => this.at(this.latency(), () => this.#reply(result, replied, failed)),
        () => this.at(this.latency(), failed),
      );
    });
  }

  /** The process dies; what was not on disk is lost. */
  crash(why: string): void {
    this.note('process', `dies: ${why}`);
    this.turns = new Turns();
    this.pasts = new Map();
    this.#holder = null;
    for (const object of this.#objects) object.crash();
  }

  /** Takes the right to compute, where it is free. */
  acquire(wake: object): boolean {
    if (this.#holder !== null && this.now - this.#holder.since < leaseMilliseconds) return false;
    this.#holder = { wake, since: this.now };
    return true;
  }

  holds(wake: object): boolean {
    return this.#holder?.wake === wake;
  }

  release(wake: object): void {
    if (this.holds(wake)) this.#holder = null;
  }

  #reply<Result>(result: Result, replied: (result: Result) => void, failed: () => void): void {
    if (this.fault(this.faults.lostReply)) failed();
    else replied(result);
  }

  #takeFirst(): void {
    const heap = this.#happenings;
    const last = heap.pop() as Happening;
    if (heap.length === 0) return;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Happening, heap[below] as Happening))
        below++;
      if (!isBefore(heap[below] as Happening, last)) break;
      heap[place] = heap[below] as Happening;
      place = below;
    }
    heap[place] = last;
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
