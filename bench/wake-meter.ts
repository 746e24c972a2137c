import type { Effect } from '../src/job/wake-protocol.ts';

/** What a whole job cost, measured from outside of its wakes. */
export interface JobTimes {
  /** Milliseconds of every frame's computation, PNG coding included. */
  readonly frameMs: number[];
  /** Milliseconds from the first computation to the end of the last wake: storage, alarms and settlement, too. */
  readonly wallMs: number;
  /** Calls that wake an object: the job's alarms, and what it tells the account. */
  readonly objectRequests: number;
}

/** Times what the wakes of one job do: an effect lasts until the next one begins. */
export class WakeMeter {
  readonly #frameMs: number[] = [];
  #computeSince: number | undefined;
  #began: number | undefined;
  #ended = 0;
  #objectRequests = 0;

  /** An alarm goes off. */
  begins(): void {
    this.#objectRequests += 1;
  }

  observe(effect: Effect): void {
    const now = performance.now();
    if (this.#computeSince !== undefined) this.#frameMs.push(now - this.#computeSince);
    this.#computeSince = effect.kind === 'compute' ? now : undefined;
    if (effect.kind === 'compute') this.#began ??= now;
    if (effect.kind === 'settle') this.#objectRequests += 1;
    this.#ended = now;
  }

  times(): JobTimes {
    return {
      frameMs: this.#frameMs,
      wallMs: this.#ended - (this.#began ?? this.#ended),
      objectRequests: this.#objectRequests,
    };
  }
}
