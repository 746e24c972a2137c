/** The part that is used of a package without types. */
declare module 'autocannon' {
  interface Options {
    readonly url: string;
    readonly headers: Record<string, string>;
    readonly connections: number;
    /** Requests a second, of all connections together. */
    readonly overallRate: number;
    /** Seconds. */
    readonly duration: number;
    /** Only answers are counted, as they were; nothing is added for requests that could not be sent in time. */
    readonly ignoreCoordinatedOmission: boolean;
    /** The result is one for `aggregateResult`. */
    readonly skipAggregateResult: boolean;
  }
  type Part = { readonly part: unique symbol };
  interface Result {
    /** Milliseconds. */
    readonly latency: { readonly p50: number; readonly p99: number; readonly max: number };
    readonly requests: { readonly total: number };
    readonly errors: number;
    readonly timeouts: number;
    readonly non2xx: number;
  }
  function autocannon(options: Options): Promise<Part>;
  namespace autocannon {
    function aggregateResult(parts: readonly Part[], options: Options): Result;
  }
  export default autocannon;
}
