/** What wrangler.toml binds, for tests that run inside workerd. */
declare namespace Cloudflare {
  interface Env {
    ASSETS: Fetcher;
    UNFINISHED_VIDEOS: string;
    ADDRESS_REFUSALS: string;
    ACCOUNT_RATE: RateLimit;
    JOBS: DurableObjectNamespace<import('../../src/worker.ts').JobObject>;
    ACCOUNTS: DurableObjectNamespace<import('../../src/worker.ts').AccountObject>;
    KEYS: DurableObjectNamespace<import('../../src/worker.ts').KeyRingObject>;
    PAYMENTS: DurableObjectNamespace<import('../../src/worker.ts').PaymentObject>;
  }
}
