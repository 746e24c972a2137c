/** Turns before a pass while somebody asks now and then: a request comes through the runtime's proxies in so many. */
const turnsWhileAsked = 3;

/** Turns from a request's arrival here to its answer's way out through the proxies. */
const turnsOfAnswer = 7;

/** Requests that never end hold up a pass for so many turns and no more. */
const mostTurns = 14;

/** Somebody who has asked is expected to ask again for so long. */
const attentionMs = 1000;

/**
 * Lets the event loop run between two passes of a computation that has one thread with everything else: for a turn
 * where nobody asks for anything, and else until who asks is answered. A turn lasts a millisecond, in which nothing
 * is computed; and without enough of them, each of the steps that a request takes would wait for a pass.
 */
export class EventLoop {
  readonly #turn: () => Promise<void>;
  readonly #now: () => number;
  #askedAt = Number.NEGATIVE_INFINITY;
  #isAsked = false;

  /**
   * @param turn resolves in the next turn of the event loop
   * @param now milliseconds
   */
  constructor(turn: () => Promise<void>, now: () => number) {
    this.#turn = turn;
    this.#now = now;
  }

  /** A request has come. */
  asked(): void {
    this.#askedAt = this.#now();
    this.#isAsked = true;
  }

  /** To be awaited before every pass. */
  async pause(): Promise<void> {
    let left = this.#now() - this.#askedAt < attentionMs ? turnsWhileAsked : 1;
    for (let turn = 0; turn < mostTurns && left > 0; turn++, left--) {
      await this.#turn();
      if (this.#isAsked) left = turnsOfAnswer;
      this.#isAsked = false;
    }
  }
}
