const MASK_64 = (1n << 64n) - 1n;
const MASK_128 = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const WORD = 2 ** 32;
const POOL_WORDS = 4;

/**
 * NumPy's `Generator(PCG64(entropy))`: the same seed draws the same numbers as in training.
 * Source: O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for
 * Random Number Generation", 2014 (PCG XSL RR 128/64); seeding as in NumPy's SeedSequence.
 */
export class NumpyRandom {
  readonly #increment: bigint;
  #state = 0n;
  /** The upper half of the last 64 bits, where only the lower one was drawn yet. */
  #spareWord: number | null = null;

  /** @param entropy one to four whole numbers below 2^32 */
  constructor(entropy: readonly number[]) {
    const [stateHigh, stateLow, sequenceHigh, sequenceLow] = seedWords(entropy);
    this.#increment = ((((sequenceHigh << 64n) | sequenceLow) << 1n) & MASK_128) | 1n;
    this.#step();
    this.#state = (this.#state + ((stateHigh << 64n) | stateLow)) & MASK_128;
    this.#step();
  }

  /** `random()`: in [0, 1). */
  fraction(): number {
    return Number(this.#next64() >> 11n) / 2 ** 53;
  }

  /** `integers(count)`: from 0 to count - 1, count below 2^32. Lemire's method, as in NumPy. */
  below(count: number): number {
    if (count === 1) return 0;
    const threshold = BigInt((WORD - count) % count);
    for (;;) {
      const product = BigInt(this.#next32()) * BigInt(count);
      if ((product & 0xffffffffn) >= threshold) return Number(product >> 32n);
    }
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  #next32(): number {
    if (this.#spareWord !== null) {
      const word = this.#spareWord;
      this.#spareWord = null;
      return word;
    }
    const bits = this.#next64();
    this.#spareWord = Number(bits >> 32n);
    return Number(bits & 0xffffffffn);
  }

  #next64(): bigint {
    this.#step();
    const folded = ((this.#state >> 64n) ^ this.#state) & MASK_64;
    const turn = this.#state >> 122n;
    return ((folded >> turn) | (folded << (64n - turn))) & MASK_64;
  }

  #step(): void {
    this.#state = (this.#state * MULTIPLIER + this.#increment) & MASK_128;
  }
}

/** `SeedSequence(entropy).generate_state(4, uint64)`. */
function seedWords(entropy: readonly number[]): [bigint, bigint, bigint, bigint] {
  const pool = mixedPool(entropy);
  const hash = hasher(0x8b51f9dd, 0x58f38ded);
  const words = Array.from({ length: 8 }, (_, index) => BigInt(hash(pool[index % POOL_WORDS] as number)));
  const long = (index: number) => ((words[2 * index + 1] as bigint) << 32n) | (words[2 * index] as bigint);
  return [long(0), long(1), long(2), long(3)];
}

function mixedPool(entropy: readonly number[]): number[] {
  const hash = hasher(0x43b0d7e5, 0x931e8875);
  const pool = Array.from({ length: POOL_WORDS }, (_, index) => hash(entropy[index] ?? 0));
  for (let from = 0; from < POOL_WORDS; from++) {
    for (let to = 0; to < POOL_WORDS; to++) {
      if (from !== to) pool[to] = mixed(pool[to] as number, hash(pool[from] as number));
    }
  }
  return pool;
}

/** A hash of 32-bit words whose constant moves on with every call. */
function hasher(start: number, multiplier: number): (word: number) => number {
  let constant = start;
  return (word) => {
    const before = constant;
    constant = Math.imul(constant, multiplier);
    return folded(Math.imul(word ^ before, constant));
  };
}

function mixed(a: number, b: number): number {
  return folded(Math.imul(0xca01f9dd, a) - Math.imul(0x4973f715, b));
}

function folded(word: number): number {
  return (word ^ (word >>> 16)) >>> 0;
}
