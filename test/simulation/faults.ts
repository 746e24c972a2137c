import type { SeededRandom } from '../seeded-random.ts';

/** How often what goes wrong in one run. Each run has faults of its own: many of one kind find more than a few of all. */
export interface Faults {
  /** The process dies, at each asynchronous effect of a wake. */
  readonly crash: number;
  /** Deaths of the process at any other moment, in all. */
  readonly crashes: number;
  /** One object's memory is gone, at each asynchronous effect of a wake. */
  readonly eviction: number;
  readonly lostRequest: number;
  readonly lostReply: number;
  readonly lateAlarm: number;
  readonly duplicateAlarm: number;
  /** A computation throws. */
  readonly throwing: number;
  /** A computation takes longer than the lease. */
  readonly slow: number;
  /** A group of writes reaches the disk late. */
  readonly slowDisk: number;
  /** Times that an object's storage is full for a while. */
  readonly fullStorages: number;
  /** Times that the account's object goes from memory and its alarm from storage. */
  readonly lostAlarms: number;
  /** A frame that can never be computed. */
  readonly poison: 'none' | 'throws' | 'kills';
  /** Another build of the model is served: never, for a while, or from some moment on. */
  readonly otherBuild: 'never' | 'for a while' | 'for ever';
  /** A receiver of webhooks answers with an error. */
  readonly failingReceiver: number;
  /** ... does not answer. */
  readonly hangingReceiver: number;
  /** ... wants no more. */
  readonly goneReceiver: number;
  /** A client's second call comes much later than its first. */
  readonly slowClient: number;
  /** A client dies between two calls. */
  readonly deadClient: number;
}

export function drawFaults(random: SeededRandom): Faults {
  const rate = (isOneIn: number, ...rates: number[]) =>
    random.below(isOneIn) === 0 ? random.pick(rates) : 0;
  return {
    crash: rate(3, 0.005, 0.02, 0.1),
    crashes: rate(3, 1, 2, 4),
    eviction: rate(4, 0.01, 0.05),
    lostRequest: rate(3, 0.05, 0.3),
    lostReply: rate(3, 0.05, 0.3),
    lateAlarm: rate(3, 0.1, 0.5),
    duplicateAlarm: rate(3, 0.1, 0.5),
    throwing: rate(3, 0.05, 0.3, 0.7),
    slow: rate(8, 0.1),
    slowDisk: rate(3, 0.05, 0.5),
    fullStorages: rate(5, 1, 2),
    lostAlarms: rate(5, 1, 2),
    poison: random.below(5) === 0 ? random.pick(['throws', 'kills'] as const) : 'none',
    otherBuild: random.below(10) === 0 ? random.pick(['for a while', 'for ever'] as const) : 'never',
    slowClient: rate(5, 0.1, 0.4),
    deadClient: rate(5, 0.1, 0.4),
    failingReceiver: rate(3, 0.3, 1),
    hangingReceiver: rate(4, 0.2, 1),
    goneReceiver: rate(8, 0.3),
  };
}
