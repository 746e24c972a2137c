import type { Past } from '../engine/past.ts';

/**
 * Pasts of the jobs of an isolate, kept between their wakes; the least recently used go first when they pass the
 * limit. A convenience only: whatever is missing here is read from storage.
 */
export class PastCache {
  readonly #maximumBytes: number;
  readonly #pasts = new Map<string, Past>();

  constructor(maximumBytes: number) {
    this.#maximumBytes = maximumBytes;
  }

  /** Takes a past out, if it stands before that frame; one that does not is stale and dropped. */
  take(job: string, cursor: number): Past | undefined {
    const past = this.#pasts.get(job);
    this.#pasts.delete(job);
    return past?.cursor === cursor ? past : undefined;
  }

  put(job: string, past: Past): void {
    this.#pasts.delete(job);
    this.#pasts.set(job, past);
    let bytes = [...this.#pasts.values()].reduce((sum, kept) => sum + kept.bytes, 0);
    for (const [oldest, kept] of this.#pasts) {
      if (bytes <= this.#maximumBytes) break;
      this.#pasts.delete(oldest);
      bytes -= kept.bytes;
    }
  }

  clear(): void {
    this.#pasts.clear();
  }
}
