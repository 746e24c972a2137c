import { z } from 'zod';
import { limits } from './config.ts';
import type { FailureCode } from './failure.ts';

/** What a key may do: look; make and change videos; manage keys and credits of all accounts. */
export const Scope = z.enum(['read', 'generate', 'admin']);
export type Scope = z.infer<typeof Scope>;

/** The account of the configured key, and of every job that was made before there were others. */
export const localAccount = 'local';

/** An account's name: part of signed links, so that it needs no escaping in a URL. */
export const accountPattern = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** Who makes a request. */
export interface Caller {
  /** Whose videos the request is about. */
  readonly account: string;
  readonly scopes: readonly Scope[];
  /** Id of the key; null for a signed link, which opens one video. */
  readonly keyId: string | null;
}

const accountMessage = 'must be 1 to 64 of a-z, 0-9, "_" and "-", and begin with a letter or digit';

/** An account's name in a request. */
export const accountName = z.string(accountMessage).regex(accountPattern, accountMessage);

/** The body of POST /v1/keys. */
export const KeyRequest = z
  .strictObject({
    account: accountName.optional().describe('Whose key it is; a new account by default.'),
    name: z
      .string('must be a text')
      .max(limits.keyNameCharacters, `must be at most ${limits.keyNameCharacters} characters`)
      .default('')
      .describe('A note of yours.'),
    scopes: z
      .array(z.enum(Scope.options, 'must be "read", "generate" or "admin"'), 'must be a list of scopes')
      .min(1, 'must have at least one scope')
      .refine((scopes) => new Set(scopes).size === scopes.length, {
        message: 'must have each scope once',
        params: { code: 'out_of_range' satisfies FailureCode },
      })
      .default(['read', 'generate'])
      .describe(
        'What it allows: reading; making, changing and removing videos; managing all keys and credits.',
      ),
  })
  .meta({ id: 'KeyRequest' });
export type KeyRequest = z.infer<typeof KeyRequest>;

/** A key as the API shows it: without its text. */
export const ApiKey = z
  .object({
    id: z.string(),
    object: z.literal('api_key'),
    account: z.string(),
    name: z.string(),
    scopes: z.array(Scope),
    prefix: z.string().describe('The beginning of the key, to tell keys apart.'),
    created_at: z.int().describe('Unix seconds.'),
  })
  .meta({ id: 'ApiKey' });
export type ApiKey = z.infer<typeof ApiKey>;

/** Answer to POST /v1/keys. */
export const NewApiKey = ApiKey.extend({
  key: z.string().describe('The key itself, shown this one time.'),
}).meta({ id: 'NewApiKey' });
export type NewApiKey = z.infer<typeof NewApiKey>;

/** One page of a list. */
export const ApiKeyList = z
  .object({
    object: z.literal('list'),
    data: z.array(ApiKey),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  })
  .meta({ id: 'ApiKeyList' });
export type ApiKeyList = z.infer<typeof ApiKeyList>;

/** Answer to a revocation. */
export const ApiKeyDeleted = z
  .object({ id: z.string(), object: z.literal('api_key.deleted'), deleted: z.literal(true) })
  .meta({ id: 'ApiKeyDeleted' });
export type ApiKeyDeleted = z.infer<typeof ApiKeyDeleted>;
