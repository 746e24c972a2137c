import type { Context } from 'hono';
import { z } from 'zod';
import type { PlacedEntry } from '../billing/account-ledger.ts';
import { postings } from '../billing/ledger.ts';
import type { Caller } from '../contract/access.ts';
import {
  Account,
  type LedgerEntry,
  LedgerEntryList,
  ToppedUpAccount,
  TopupRequest,
} from '../contract/account.ts';
import { Failure } from '../contract/failure.ts';
import { accountJson } from './account-json.ts';
import { requireScope } from './authentication.ts';
import { PaymentHeaders, sellCredits } from './credit-sale.ts';
import { examples } from './examples.ts';
import { listOf, pageFields } from './page-fields.ts';
import { type Route, route } from './route.ts';
import type { ServiceEnvironment } from './services.ts';

const entryPrefix = 'entry_';

const { after, ...pages } = pageFields('entry');

const ListQuery = z.strictObject({
  ...pages,
  after: z
    .string()
    .regex(/^entry_\d{1,15}$/, 'must be the id of an entry')
    .optional()
    .describe(after.description ?? ''),
});

export const accountRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/account',
    name: 'retrieveAccount',
    chapter: 'Credits',
    summary: 'Shows your balance',
    scope: 'read',
    answer: { description: 'The account.', content: { 'application/json': Account } },
    failures: [],
    examples: examples.retrieveAccount,
    handle: async ({ env, var: { caller } }) => Response.json(await accountJson(env, caller.account)),
  }),
  route({
    method: 'GET',
    path: '/v1/account/ledger',
    name: 'listLedger',
    chapter: 'Credits',
    summary: 'Lists what moved your credits',
    description:
      'A double-entry ledger: every entry moves credits between two of `purchased`, `available`, `held` and `spent`. Entries are never changed.',
    scope: 'read',
    query: ListQuery,
    answer: { description: 'One page.', content: { 'application/json': LedgerEntryList } },
    failures: [],
    examples: examples.listLedger,
    handle: listLedger,
  }),
  route({
    method: 'POST',
    path: '/v1/account/topup',
    name: 'topUpAccount',
    chapter: 'Credits',
    summary: 'Adds credits',
    description:
      'With `credits` and `reference`, for whoever runs the service: to any account, by default that of the key. The same reference counts once, however often it is sent. Without them, where the service sells credits, answers 402 with an offer by x402; the same request with a payment adds credits to the account of the key, and without a key to that of the address that pays.',
    scope: 'admin',
    takesPayment: true,
    headers: PaymentHeaders,
    body: { schema: TopupRequest, isOptional: true },
    answer: { description: 'The account after it.', content: { 'application/json': ToppedUpAccount } },
    failures: [
      'reference_reused',
      'payment_required',
      'payment_invalid',
      'payment_mismatch',
      'payment_replayed',
      'payment_expired',
      'payment_refused',
      'payment_pending',
      'payment_unavailable',
    ],
    examples: examples.topUpAccount,
    handle: topUp,
  }),
];

async function topUp(
  context: Context<ServiceEnvironment>,
  { headers, body }: { headers: z.infer<typeof PaymentHeaders>; body: TopupRequest },
): Promise<Response> {
  const { usd_cents: usdCents, ...operators } = body;
  const isOperators = Object.values(operators).some((value) => value !== undefined);
  const { payments } = context.env;
  if (isOperators || payments === null) return enterTopUp(context, body);
  return sellCredits(context, payments, headers['payment-signature'], usdCents);
}

/** What whoever runs the service enters. */
async function enterTopUp(
  { env, var: found }: Context<ServiceEnvironment>,
  body: TopupRequest,
): Promise<Response> {
  const caller: Caller | undefined = found.caller;
  requireScope(caller, 'admin');
  if (body.usd_cents !== undefined)
    throw new Failure(
      'fields_conflict',
      'usd_cents is for payments, where the service sells credits; send credits and reference, or usd_cents alone.',
      'usd_cents',
    );
  const { credits, reference, account = caller.account } = body;
  if (credits === undefined) throw missing('credits', 'say how many come in');
  if (reference === undefined) throw missing('reference', 'say what they are entered under');
  if ((await env.ledgerOf(account).credit(reference, credits)) === 'other') {
    throw new Failure(
      'reference_reused',
      `Other credits were entered under "${reference}" before; choose another reference.`,
      'reference',
    );
  }
  return Response.json(await accountJson(env, account));
}

function missing(field: string, wayOut: string): Failure {
  return new Failure('field_required', `${field} is missing; ${wayOut}.`, field);
}

async function listLedger(
  { env, var: { caller } }: Context<ServiceEnvironment>,
  { query: { after, limit, order } }: { query: z.infer<typeof ListQuery> },
): Promise<Response> {
  const position = after === undefined ? null : Number(after.slice(entryPrefix.length));
  const page = await env.ledgerOf(caller.account).entries({ after: position, limit, order });
  const data = page.entries.map(entryJson);
  return Response.json(listOf(data, page.hasMore) satisfies LedgerEntryList);
}

function entryJson({
  position,
  kind,
  credits,
  jobId,
  hold,
  reference,
  balance,
  at,
}: PlacedEntry): LedgerEntry {
  return {
    id: `${entryPrefix}${position}`,
    object: 'ledger_entry',
    kind,
    credits,
    ...postings[kind],
    video: jobId,
    hold,
    reference,
    balance,
    created_at: Math.floor(at / 1000),
  };
}
