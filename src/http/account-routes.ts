import type { Context } from 'hono';
import { z } from 'zod';
import type { PlacedEntry } from '../billing/account-ledger.ts';
import { postings } from '../billing/ledger.ts';
import { Account, type LedgerEntry, LedgerEntryList, TopupRequest } from '../contract/account.ts';
import { Failure } from '../contract/failure.ts';
import { examples } from './examples.ts';
import { pageFields } from './page-fields.ts';
import { type Route, route } from './route.ts';
import type { ServiceEnvironment, Services } from './services.ts';

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
      'For whoever runs the service: to any account, by default that of the key. The same reference counts once, however often it is sent.',
    scope: 'admin',
    body: { schema: TopupRequest },
    answer: { description: 'The account after it.', content: { 'application/json': Account } },
    failures: ['reference_reused'],
    examples: examples.topUpAccount,
    handle: topUp,
  }),
];

async function topUp(
  { env, var: { caller } }: Context<ServiceEnvironment>,
  { body: { credits, reference, account = caller.account } }: { body: TopupRequest },
): Promise<Response> {
  if ((await env.ledgerOf(account).credit(reference, credits)) === 'other') {
    throw new Failure(
      'reference_reused',
      `Other credits were entered under "${reference}" before; choose another reference.`,
      'reference',
    );
  }
  return Response.json(await accountJson(env, account));
}

async function listLedger(
  { env, var: { caller } }: Context<ServiceEnvironment>,
  { query: { after, limit, order } }: { query: z.infer<typeof ListQuery> },
): Promise<Response> {
  const position = after === undefined ? null : Number(after.slice(entryPrefix.length));
  const page = await env.ledgerOf(caller.account).entries({ after: position, limit, order });
  const data = page.entries.map(entryJson);
  const list: LedgerEntryList = {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: page.hasMore,
  };
  return Response.json(list);
}

async function accountJson({ ledgerOf }: Services, account: string): Promise<Account> {
  const { purchased, available, held, spent } = await ledgerOf(account).balance();
  return { id: account, object: 'account', balance: { purchased, available, held, spent } };
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
