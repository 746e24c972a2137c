/** Who is next looks again after this time, the one behind after twice this time, and so on. */
const stepMilliseconds = 20;

/** Nobody sleeps longer than this, and a place in the queue is lost by not asking for five times as long. */
const longestMilliseconds = 400;

/**
 * First come, first served among the jobs of an isolate, without anybody waiting for another object's promise: a job
 * that is turned away notes itself here and comes back by its own timer. Without this, the job that has just finished
 * a chunk would always be the first to ask again.
 */
export class Turns {
  /** Job -> when it last asked, in the order of first asking. */
  readonly #waiting = new Map<string, number>();

  /** True if nobody who asked earlier is still waiting. */
  isNext(job: string, now: number): boolean {
    for (const [other, askedAt] of this.#waiting) {
      if (now - askedAt > 5 * longestMilliseconds) this.#waiting.delete(other);
    }
    const first = this.#waiting.keys().next();
    return first.done === true || first.value === job;
  }

  /** Takes or keeps a place; returns after how many milliseconds to look again. */
  wait(job: string, now: number): number {
    this.#waiting.set(job, now);
    const place = [...this.#waiting.keys()].indexOf(job);
    return Math.min(longestMilliseconds, stepMilliseconds * (place + 1));
  }

  /** Gives up the place: the job computes, or is gone. */
  leave(job: string): void {
    this.#waiting.delete(job);
  }
}
