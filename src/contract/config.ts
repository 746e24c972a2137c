import { z } from 'zod';
import { keyPattern } from './key-text.ts';
import { LogLevel } from './log.ts';

const mebibyte = 1024 * 1024;

/** Every limit of the service. Error messages quote these numbers, so a limit is changed here and nowhere else. */
export const limits = {
  urlBytes: 8 * 1024,
  headerBytes: 16 * 1024,
  bodyBytes: 4 * mebibyte,
  bodySeconds: 30,
  /** Of the rest of a body whose request is refused: so much is read, and as long as its sender pauses no longer. */
  droppedBytes: 16 * mebibyte,
  droppedPauseSeconds: 0.5,
  jsonDepth: 32,
  imagePixels: 3_000_000,
  /**
   * Of an image that takes its decoder more than others: a JPEG in several scans, which are held until the last has come,
   * or a PNG of 16 bits a sample.
   */
  heavyImagePixels: 1_500_000,
  /** Of one side of an image. */
  imageSide: 8192,
  /** Of a JPEG; a progressive one commonly has 10. Each costs a walk over the whole image, however little it says. */
  imageScans: 32,
  /** Chunks of a PNG file. */
  imageChunks: 10_000,
  framesPerJob: 10_000,
  /** Deviation of the noise that tokens are drawn from, in units of the one in training. */
  temperature: 2,
  scheduleEntries: 256,
  /** Stretches of one seed and interval in a video: whoever reads a job reads all of them. */
  legsPerJob: 256,
  metadataEntries: 16,
  metadataKeyCharacters: 64,
  metadataValueCharacters: 512,
  listEntries: 100,
  keyNameCharacters: 100,
  /** Of the header Idempotency-Key. */
  idempotencyKeyCharacters: 255,
  /** An order is known by its key for so long. */
  idempotencyHours: 24,
  /** An order without a key that a client says it repeats is looked for among those of so many minutes. */
  repetitionMinutes: 10,
  /** A signed link opens its video for at least so long, and at most an hour longer. */
  linkHours: 24,
  urlCharacters: 2048,
  /** Of one call to a stranger's URL. */
  urlRedirects: 3,
  /** Tries at one event; the pauses between them are in src/job/webhook-changes.ts. */
  webhookAttempts: 8,
  /** For one try, redirects included. */
  webhookSeconds: 10,
  /** Events of a video that are being tried at a time; where one more comes, the oldest is dropped. */
  pendingWebhooks: 8,
  /** A rotated secret signs beside its follower for so long. */
  webhookSecretOverlapHours: 24,
  /** For the whole call of an image, redirects and body included. */
  imageFetchSeconds: 10,
  contentScale: 8,
  /**
   * Of a whole video, scaled: keeps the encoding of one answer within the 30 CPU seconds of a request. 10,000 frames of
   * 64x64 are 41 million; they take 8 seconds as a GIF.
   */
  contentPixels: 64 * mebibyte,
  /** Of one sprite sheet, scaled: it is held in memory at four bytes a pixel. */
  sheetPixels: 4 * mebibyte,
  /** A stream of events on which nothing happens for so long gets a comment line, so that nobody takes it for dead. */
  heartbeatSeconds: 15,
  /** Calls to a job by one stream of events; after them the listener has to reconnect. A request may make 10,000. */
  newsPerStream: 5000,
  /** Of one top-up that is paid by x402. Stock clients refuse to pay more than a dollar at a time. */
  topupUsdCents: { minimum: 10, maximum: 100 },
  /** Of one top-up that is entered. */
  topupCredits: 1_000_000_000_000,
  /** Of the text that a top-up is entered under. */
  referenceCharacters: 255,
  /** How long a price that was quoted is meant to hold. */
  quoteSeconds: 600,
  /** Tries to reach a job again that a stream of events has lost, each after twice the pause of the one before. */
  newsRetries: 6,
  newsRetryMilliseconds: 100,
  /** Requests are counted for so long; the platform's counters know 10 and 60. */
  ratePeriodSeconds: 10,
  attemptsPerFrame: 5,
  /** A row of SQLite storage holds at most 2 MB; K and V are cut into rows of this size. */
  keyValueRowBytes: mebibyte,
  /** Windows of K and V kept in memory between wakes, over all jobs of an isolate. */
  pastCacheBytes: 16 * mebibyte,
} as const;

/** `https://app.example.org`, without a path; or `*`, which is safe, because no answer depends on a cookie. */
const Origin = z
  .string()
  .refine((origin) => origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin));

const positive = z.coerce.number().positive();

/**
 * What an operator sets in wrangler.toml.
 * Clocks stand still while deployed Workers compute, so speed is a figure given here and never measured.
 */
export const Config = z.object({
  /** Folders below models/ that are served. */
  MODELS: z
    .string()
    .transform((names) => names.split(',').map((name) => name.trim()))
    .pipe(z.array(z.string().regex(/^[a-z0-9-]+$/)).min(1)),
  /** Model of a request that names none. */
  MODEL_DEFAULT: z.string(),
  /** Multiply-adds that the isolate computes in a second. */
  MULTIPLY_ADDS_PER_SECOND: positive,
  /** CPU seconds that one wake may use. */
  WAKE_SECONDS: positive,
  /** Unfinished videos that an account may have at a time. */
  UNFINISHED_VIDEOS: positive.pipe(z.int()),
  /** Requests that an account may make in a period. */
  ACCOUNT_REQUESTS: positive.pipe(z.int()),
  /** Requests without a valid key that an address may make in a period. */
  ADDRESS_REFUSALS: positive.pipe(z.int()),
  /** `platform`: by the bindings of wrangler.toml; `isolate`: in memory, where one isolate is the whole service. */
  RATES_COUNTED_BY: z.enum(['platform', 'isolate']),
  /** What one credit buys; a frame costs at least one. */
  MULTIPLY_ADDS_PER_CREDIT: positive,
  /** Credits that an account is given once. */
  STARTING_CREDITS: z.coerce.number().nonnegative().pipe(z.int()),
  /** Credits for one dollar, where they are sold. */
  CREDITS_PER_USD: positive.pipe(z.int()),
  /** Address that is paid to by x402; empty: the service sells nothing. */
  X402_RECEIVER: z.string().regex(/^(0x[0-9a-fA-F]{40})?$/),
  /** Chain that is paid on, as CAIP-2 names it. */
  X402_NETWORK: z.templateLiteral(['eip155:', z.int()]),
  /** Who checks payments and carries them out. */
  X402_FACILITATOR: z.url(),
  /** A node of the chain, by JSON-RPC: whether a payment was made whose end nobody heard. */
  X402_NODE: z.url(),
  /** What the facilitator asks for as a bearer token, if anything. A secret. */
  X402_FACILITATOR_TOKEN: z.string().optional(),
  /** Days that a finished or paused video is kept. */
  EXPIRY_DAYS: positive.max(36_500),
  /** Origins whose pages may call the API from a browser, between commas. */
  CORS_ORIGINS: z
    .string()
    .transform((origins) => origins.split(',').map((origin) => origin.trim()))
    .transform((origins) => origins.filter((origin) => origin !== ''))
    .pipe(z.array(Origin)),
  /** `info`: one line a request; `error`: faults alone. */
  LOG_LEVEL: LogLevel,
  /** A key with every scope, of the account `local`: the first one, with which others are made. A secret. */
  ADMIN_KEY: z.string().regex(keyPattern).optional(),
  /**
   * What links are signed with, the newest first: older ones are still believed, so that links outlive a change. A
   * secret; ADMIN_KEY by default.
   */
  LINK_SECRETS: z
    .string()
    .transform((secrets) => secrets.split(',').map((secret) => secret.trim()))
    .pipe(z.array(z.string().min(32)).min(1))
    .optional(),
});
export type Config = z.infer<typeof Config>;
