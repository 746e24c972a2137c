/** A job that found the backend taken looks again after this time. */
export const busyRetryMilliseconds = 100;

/** A place in the queue is lost when its owner does not come back for this long. */
const placeMilliseconds = 10 * busyRetryMilliseconds;

/**
 * First come, first served among the jobs of an isolate, without anybody waiting for a promise: a job that is
 * turned away notes itself here and comes back by its own alarm. Without this, the job that has just finished a
 * chunk would always be the first to ask again.
 */
export class Turns {
  /** Job -> when it last asked, in the order of first asking. */
  readonly #waiting = new Map<string, number>();

  /** True if nobody who asked earlier is still waiting. */
  isNext(job: string, now: number): boolean {
    for (const [other, askedAt] of this.#waiting) {
      if (now - askedAt > placeMilliseconds) this.#waiting.delete(other);
    }
    const first = this.#waiting.keys().next();
    return first.done === true || first.value === job;
  }

  /** Takes or keeps a place. */
  wait(job: string, now: number): void {
    this.#waiting.set(job, now);
  }

  /** Gives up the place: the job computes, or is gone. */
  leave(job: string): void {
    this.#waiting.delete(job);
  }
}
