import { z } from 'zod';
import { accountName } from './access.ts';
import { limits } from './config.ts';
import { wholeNumber } from './refusal.ts';

const Balance = z
  .object({
    purchased: z.int().describe('All credits that ever came in: the sum of the three others.'),
    available: z.int().describe('Free for orders.'),
    held: z.int().describe('Set aside for videos that are not finished.'),
    spent: z.int().describe('For frames that were made.'),
  })
  .meta({ id: 'Balance', description: 'Credits of an account.' });

/** An account as the API shows it. */
export const Account = z
  .object({ id: z.string(), object: z.literal('account'), balance: Balance })
  .meta({ id: 'Account' });
export type Account = z.infer<typeof Account>;

const LedgerAccount = z.enum(['purchased', 'available', 'held', 'spent']);

/** One line of the ledger as the API shows it. */
export const LedgerEntry = z
  .object({
    id: z.string(),
    object: z.literal('ledger_entry'),
    kind: z
      .enum(['topup', 'hold', 'capture', 'release'])
      .describe('Credits come in; are set aside for an order; pay for frames; are given back at its end.'),
    credits: z.int(),
    debit: LedgerAccount.describe('Account that is debited.'),
    credit: LedgerAccount.describe('Account that is credited.'),
    video: z.string().nullable().describe('The video that it is about.'),
    hold: z.int().nullable().describe('Which order of that video: 0 is its creation, later ones extend it.'),
    reference: z.string().nullable().describe('Of a top-up: what it was entered under.'),
    balance: Balance.describe('What stands in all accounts after it.'),
    created_at: z.int().describe('Unix seconds.'),
  })
  .meta({ id: 'LedgerEntry' });
export type LedgerEntry = z.infer<typeof LedgerEntry>;

/** One page of the ledger. */
export const LedgerEntryList = z
  .object({
    object: z.literal('list'),
    data: z.array(LedgerEntry),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  })
  .meta({ id: 'LedgerEntryList' });
export type LedgerEntryList = z.infer<typeof LedgerEntryList>;

/** What a video would cost. */
export const Quote = z
  .object({
    object: z.literal('quote'),
    model: z.string(),
    frames: z
      .object({ requested: z.int(), paid: z.int() })
      .describe('Of the whole video, and those that cost anything: a given first frame does not.'),
    credits: z.object({ per_frame: z.int(), total: z.int() }),
    expected_seconds: z.number().describe('Time to compute it, where nothing else is computed.'),
    created_at: z.int().describe('Unix seconds.'),
    expires_at: z.int().describe('Until when it is meant to hold, in Unix seconds.'),
  })
  .meta({ id: 'Quote' });
export type Quote = z.infer<typeof Quote>;

/** The body of POST /v1/account/topup. */
export const TopupRequest = z
  .strictObject({
    account: accountName.optional().describe('Whose they are; by default that of the key.'),
    credits: wholeNumber(1, limits.topupCredits)
      .optional()
      .describe('How many come in. With `reference`, for whoever runs the service.'),
    reference: z
      .string('must be a text')
      .min(1, 'must not be empty')
      .max(limits.referenceCharacters, `must be at most ${limits.referenceCharacters} characters`)
      .optional()
      .describe(
        'What they are entered under, such as the number of an invoice: once, however often it is sent.',
      ),
    usd_cents: wholeNumber(limits.topupUsdCents.minimum, limits.topupUsdCents.maximum)
      .optional()
      .describe(
        `What to pay, where the service sells credits; ${limits.topupUsdCents.minimum} by default. Without the other fields.`,
      ),
  })
  .meta({ id: 'TopupRequest' });
export type TopupRequest = z.infer<typeof TopupRequest>;

/** Answer to a top-up. */
export const ToppedUpAccount = Account.extend({
  payment: z
    .object({
      credits: z.int().describe('What it bought.'),
      network: z.string().describe('The chain that it was made on.'),
      transaction: z.string().describe('Of that chain.'),
    })
    .optional()
    .describe('Where it was paid for.'),
  key: z
    .string()
    .optional()
    .describe("Where it was paid for without a key: one of the payer's account, shown this one time."),
}).meta({ id: 'ToppedUpAccount' });
export type ToppedUpAccount = z.infer<typeof ToppedUpAccount>;
