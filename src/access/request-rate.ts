/** How many requests one caller may make in a period. */
export interface RequestRate {
  readonly requests: number;
  readonly periodSeconds: number;
  /** Counts one request. 0: it may go on; otherwise the seconds after which the caller may ask again. */
  count(caller: string): Promise<number>;
}

/**
 * Counts with the platform's binding, over all isolates of a location. It does not tell when its period began, so that
 * whoever is refused has to wait for a whole one.
 */
export function platformRate(
  binding: RateLimit,
  { requests, periodSeconds }: Pick<RequestRate, 'requests' | 'periodSeconds'>,
): RequestRate {
  return {
    requests,
    periodSeconds,
    async count(caller) {
      const { success } = await binding.limit({ key: caller });
      return success ? 0 : periodSeconds;
    },
  };
}

/** Counts in memory, in periods that begin at whole multiples of their length: for a service of one isolate. */
export function isolateRate(
  { requests, periodSeconds }: Pick<RequestRate, 'requests' | 'periodSeconds'>,
  clock: () => number,
): RequestRate {
  const periodMs = periodSeconds * 1000;
  const counts = new Map<string, number>();
  let period = 0;
  return {
    requests,
    periodSeconds,
    async count(caller) {
      const now = clock();
      if (Math.floor(now / periodMs) !== period) {
        period = Math.floor(now / periodMs);
        counts.clear();
      }
      const count = (counts.get(caller) ?? 0) + 1;
      counts.set(caller, count);
      return count <= requests ? 0 : Math.ceil(((period + 1) * periodMs - now) / 1000);
    },
  };
}
