import type { KeyRing } from '../access/key-ring.ts';
import type { LinkSigner } from '../access/link-signer.ts';
import type { RequestRate } from '../access/request-rate.ts';
import type { AccountLedger } from '../billing/account-ledger.ts';
import type { Payments } from '../billing/payments.ts';
import type { Caller } from '../contract/access.ts';
import type { Raster } from '../contract/frame.ts';
import type { Log } from '../contract/log.ts';
import type { Speed } from '../job/frame-cost.ts';
import type { JobDirectory } from '../job/job-directory.ts';
import type { ModelCatalogue } from '../job/model-catalogue.ts';
import type { Fetch } from '../outbound/public-fetch.ts';

/** What the routes work with; the composition root brings it. */
export interface Services {
  /** The videos of an account. */
  readonly jobsOf: (account: string) => JobDirectory;
  readonly keys: KeyRing;
  readonly links: LinkSigner;
  readonly rates: {
    /** Of an account's requests. */
    readonly account: RequestRate;
    /** Of an address's requests without a valid key. */
    readonly refusals: RequestRate;
  };
  /** The credits of an account. */
  readonly ledgerOf: (account: string) => AccountLedger;
  /** Credits for money; null where the service sells none. */
  readonly payments: Payments | null;
  readonly models: ModelCatalogue;
  /** Decodes a stranger's image file. */
  readonly decodeImage: (bytes: Uint8Array) => Promise<Raster>;
  /** Calls strangers' URLs. */
  readonly fetch: Fetch;
  /** Seed of a request that names none. */
  readonly randomSeed: () => number;
  readonly speed: Speed;
  /** What one credit buys. */
  readonly multiplyAddsPerCredit: number;
  /** How long a request's body may take to arrive. */
  readonly bodySeconds: number;
  /** Origins whose pages may call from a browser; `*` is all. */
  readonly allowedOrigins: readonly string[];
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** Hono's environment: services come with each request, and authentication notes who makes it. */
export interface ServiceEnvironment {
  Bindings: Services;
  Variables: {
    requestId: string;
    /** Absent where a route is open, or may be paid for without a key. */
    caller: Caller;
    /** The caller's videos. */
    jobs: JobDirectory;
    /** The token of links to a video of the caller's. */
    tokenFor: (videoId: string) => Promise<string>;
  };
}
