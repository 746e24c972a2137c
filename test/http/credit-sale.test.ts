import { HTTPFacilitatorClient } from '@x402/core/http';
import type { PaymentPayload } from '@x402/core/types';
import { decodePaymentResponseHeader } from '@x402/fetch';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isolateRate } from '../../src/access/request-rate.ts';
import { ethereumChain } from '../../src/billing/chain.ts';
import { checkPayment } from '../../src/billing/payment-check.ts';
import { httpFacilitator, type PaymentSurroundings, payments } from '../../src/billing/payments.ts';
import { Account, ToppedUpAccount } from '../../src/contract/account.ts';
import { Failure } from '../../src/contract/failure.ts';
import type { Authorization } from '../../src/contract/payment.ts';
import { asset, LocalFacilitator, network, receiver } from '../billing/local-facilitator.ts';
import { MemoryPaymentBook } from '../billing/memory-payment-book.ts';
import { offerOf, Payer, paying } from '../billing/payer.ts';
import { authorized } from '../service-key.ts';
import { type LoopbackServer, loopbackServer } from './loopback-server.ts';
import { refusal, TestService } from './test-service.ts';

const topup = '/v1/account/topup';
const url = `http://service.invalid${topup}`;

let facilitator = new LocalFacilitator();
let server: LoopbackServer;
/** Milliseconds by which the service's clock is ahead. */
let ahead = 0;
/** Requests to the facilitator and the node. */
let asked = 0;
let book: MemoryPaymentBook;
let service: TestService;
let sale: PaymentSurroundings;
let payer: Payer;

beforeAll(async () => {
  server = await loopbackServer((request) => {
    asked += 1;
    return facilitator.send(request);
  });
});
afterAll(() => server.stop());

beforeEach(() => {
  ahead = 0;
  facilitator = new LocalFacilitator(() => (Date.now() + ahead) / 1000);
  book = new MemoryPaymentBook();
  sale = {
    terms: { network, receiver, creditsPerUsd: 1_000_000 },
    facilitator: httpFacilitator(server.address, undefined),
    chain: ethereumChain(`${server.address}/node`),
    book,
    ledgerOf: (account) => service.ledgerOf(account),
    clock: () => Date.now() + ahead,
  };
  service = new TestService({ payments: payments(sale) });
  payer = new Payer();
  facilitator.chain.fund(payer.address, 5_000_000n);
});

const post = (headers: Record<string, string> = {}, body?: object) =>
  service.ask(topup, {
    method: 'POST',
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });

const pay = (payment: PaymentPayload, headers: Record<string, string> = {}) =>
  post({ ...paying(payment), ...headers });

const purchased = async (account = payer.account) => (await service.ledgerOf(account).balance()).purchased;

const authorizationOf = ({ payload }: PaymentPayload) => payload.authorization as Authorization;

/** A payment with other fields in its authorization, which are not what was signed. */
const altered = (payment: PaymentPayload, changes: Partial<Authorization>): PaymentPayload => ({
  ...payment,
  payload: { ...payment.payload, authorization: { ...authorizationOf(payment), ...changes } },
});

describe('a service that sells nothing', () => {
  beforeEach(() => {
    service = new TestService();
  });

  it('offers nothing, whoever asks', async () => {
    const answer = await post();
    expect(answer.headers.has('payment-required')).toBe(false);
    expect(await refusal(Promise.resolve(answer))).toEqual([401, 'auth_missing', null]);
    const { key } = await service.keys.create({ account: 'ada', name: '', scopes: ['read', 'generate'] });
    const keyed = { authorization: `Bearer ${key}` };
    expect(await refusal(post(keyed))).toEqual([403, 'scope_denied', null]);
    expect(await refusal(post(authorized, { usd_cents: 10 }))).toEqual([422, 'fields_conflict', 'usd_cents']);
    expect(await refusal(post(authorized))).toEqual([422, 'field_required', 'credits']);
  });

  it('does not say where to pay', async () => {
    service.jobs.create = async () => {
      throw new Failure('insufficient_credits', 'Too dear.');
    };
    expect((await service.postJson({})).headers.has('link')).toBe(false);
  });
});

describe('an offer', () => {
  it('is answered to whoever has no key: what to pay, in which token, to whom', async () => {
    const answer = await post();
    expect(offerOf(answer)).toEqual({
      scheme: 'exact',
      network,
      asset,
      amount: '100000',
      payTo: receiver,
      maxTimeoutSeconds: 300,
      extra: { name: 'USDC', version: '2' },
    });
    expect(await refusal(Promise.resolve(answer))).toEqual([402, 'payment_required', null]);
  });

  it('is of as much as was asked for, from 0.10 to 1 USD', async () => {
    expect(offerOf(await post({}, { usd_cents: 57 })).amount).toBe('570000');
    expect(offerOf(await post({}, { usd_cents: 100 })).amount).toBe('1000000');
    for (const usd_cents of [9, 101, 10.5])
      expect(await refusal(post({}, { usd_cents }))).toEqual([422, 'out_of_range', 'usd_cents']);
  });

  it('does not open what needs a key', async () => {
    const entered = { credits: 5, reference: 'a' };
    expect(await refusal(post({}, entered))).toEqual([401, 'auth_missing', null]);
    const { key } = await service.keys.create({ account: 'ada', name: '', scopes: ['generate'] });
    expect(await refusal(post({ authorization: `Bearer ${key}` }, entered))).toEqual([
      403,
      'scope_denied',
      null,
    ]);
    expect(await refusal(post({ authorization: 'Bearer magi_x' }))).toEqual([401, 'key_invalid', null]);
    expect(await refusal(post(authorized, { ...entered, usd_cents: 10 }))).toEqual([
      ...[422, 'fields_conflict', 'usd_cents'],
    ]);
    expect((await post(authorized, entered)).status).toBe(200);
  });

  it('is pointed to where credits do not suffice', async () => {
    service.jobs.create = async () => {
      throw new Failure('insufficient_credits', 'Too dear.');
    };
    expect((await service.postJson({})).headers.get('link')).toBe('</v1/account/topup>; rel="payment"');
  });
});

describe('a payment', () => {
  it('by the stock client and without a key buys credits, and a key of the address that paid', async () => {
    const answer = await payer.fetch(service.send)(url, { method: 'POST' });
    expect(answer.status).toBe(200);
    const { key, payment, ...account } = ToppedUpAccount.parse(await answer.json());
    expect(account).toEqual({
      id: payer.account,
      object: 'account',
      balance: { purchased: 100_000, available: 100_000, held: 0, spent: 0 },
    });
    expect(payment).toMatchObject({ credits: 100_000, network });
    const settled = decodePaymentResponseHeader(answer.headers.get('payment-response') as string);
    expect(settled).toMatchObject({ success: true, transaction: payment?.transaction, network });
    const { chain } = facilitator;
    expect([chain.balance(payer.address), chain.balance(receiver)]).toEqual([4_900_000n, 100_000n]);
    const keyed = { headers: { authorization: `Bearer ${key}` } };
    expect(Account.parse(await (await service.ask('/v1/account', keyed)).json())).toEqual(account);
    const order = { ...keyed, method: 'POST', body: '{}' };
    const headers = { ...keyed.headers, 'content-type': 'application/json' };
    expect((await service.ask('/v1/videos', { ...order, headers })).status).toBe(200);
    expect(book.states).toEqual(['credited']);
  });

  it('with a key buys credits for the account of the key, and no other key', async () => {
    const { key } = await service.keys.create({ account: 'ada', name: '', scopes: ['read'] });
    const answer = await payer.fetch(service.send)(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: '{"usd_cents":100}',
    });
    const account = ToppedUpAccount.parse(await answer.json());
    expect(account).toMatchObject({ id: 'ada', balance: { purchased: 1_000_000 } });
    expect('key' in account).toBe(false);
    expect([await purchased('ada'), await purchased()]).toEqual([1_000_000, 0]);
  });

  it('adds to what is left of earlier ones', async () => {
    const fetched = payer.fetch(service.send);
    for (const sum of [100_000, 200_000])
      expect(await (await fetched(url, { method: 'POST' })).json()).toMatchObject({
        balance: { available: sum },
      });
  });

  it('counts once when it is sent again, with whatever key', async () => {
    const payment = await payer.payment(await post());
    expect((await pay(payment)).status).toBe(200);
    for (const headers of [{}, authorized])
      expect(await refusal(pay(payment, headers))).toEqual([402, 'payment_replayed', null]);
    ahead = 3_600_000;
    expect(await refusal(pay(payment))).toEqual([402, 'payment_replayed', null]);
    expect([await purchased(), await purchased('local')]).toEqual([100_000, 0]);
  });

  it('counts once of 100 copies at the same time, half of them with a key', async () => {
    const payment = await payer.payment(await post());
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, copy) => pay(payment, copy % 2 === 0 ? {} : authorized)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const refused = answers.filter(({ status }) => status === 402);
    expect(refused).toHaveLength(99);
    for (const answer of refused)
      expect(await answer.json()).toMatchObject({ error: { code: 'payment_replayed' } });
    expect(facilitator.settleCalls).toBe(1);
    expect((await purchased()) + (await purchased('local'))).toBe(100_000);
    expect(facilitator.chain.balance(receiver)).toBe(100_000n);
  });
});

describe('a payment is refused, and nothing is taken,', () => {
  const other = '0x2222222222222222222222222222222222222222';
  const soon = () => String(Math.floor(Date.now() / 1000) + 5);
  const rows: readonly (readonly [string, string, (refused: Response) => Promise<PaymentPayload>])[] = [
    ['of less', 'payment_mismatch', (refused) => payer.payment(refused, { amount: '99999' })],
    ['of more', 'payment_mismatch', (refused) => payer.payment(refused, { amount: '100001' })],
    ['to another receiver', 'payment_mismatch', (refused) => payer.payment(refused, { payTo: other })],
    [
      'on another network',
      'payment_mismatch',
      (refused) => payer.payment(refused, { network: 'eip155:8453' }),
    ],
    ['in another token', 'payment_mismatch', (refused) => payer.payment(refused, { asset: other })],
    ['by another scheme', 'payment_mismatch', (refused) => payer.payment(refused, { scheme: 'upto' })],
    [
      'that is valid for hours',
      'payment_mismatch',
      (refused) => payer.payment(refused, { maxTimeoutSeconds: 7200 }),
    ],
    [
      'that says it pays the offer, and pays less',
      'payment_mismatch',
      async (refused) => ({ ...(await payer.payment(refused, { amount: '1' })), accepted: offerOf(refused) }),
    ],
    [
      'that says it pays the receiver, and pays another',
      'payment_mismatch',
      async (refused) => ({
        ...(await payer.payment(refused, { payTo: other })),
        accepted: offerOf(refused),
      }),
    ],
    [
      'that was signed for another token',
      'payment_refused',
      async (refused) => ({
        ...(await payer.payment(refused, { asset: other })),
        accepted: offerOf(refused),
      }),
    ],
    [
      'that was signed for another chain',
      'payment_refused',
      async (refused) => ({
        ...(await payer.payment(refused, { network: 'eip155:8453' })),
        accepted: offerOf(refused),
      }),
    ],
    [
      'whose payer was altered',
      'payment_refused',
      async (refused) => altered(await payer.payment(refused), { from: other }),
    ],
    [
      'whose amount was altered after it was signed',
      'payment_refused',
      async (refused) => ({
        ...altered(await payer.payment(refused, { amount: '1' }), { value: '100000' }),
        accepted: offerOf(refused),
      }),
    ],
    [
      'whose nonce was altered',
      'payment_refused',
      async (refused) => altered(await payer.payment(refused), { nonce: `0x${'ab'.repeat(32)}` }),
    ],
    [
      'whose end was put off',
      'payment_refused',
      async (refused) =>
        altered(await payer.payment(refused, { maxTimeoutSeconds: 1 }), {
          validBefore: String(Math.floor(Date.now() / 1000) + 200),
        }),
    ],
    ['that has run out', 'payment_expired', (refused) => payer.payment(refused, { maxTimeoutSeconds: -1 })],
    [
      'that runs out before it can be settled',
      'payment_expired',
      async (refused) => altered(await payer.payment(refused), { validBefore: soon() }),
    ],
    [
      'that is not valid yet',
      'payment_expired',
      async (refused) => altered(await payer.payment(refused), { validAfter: String(Date.now()) }),
    ],
    ['of somebody without funds', 'payment_refused', (refused) => new Payer().payment(refused)],
  ];

  it.each(rows)('%s: %s', async (_, code, made) => {
    const payment = await made(await post());
    const answer = await pay(payment);
    expect(offerOf(answer).amount).toBe('100000');
    expect(await refusal(Promise.resolve(answer))).toEqual([402, code, null]);
    expect([facilitator.settleCalls, facilitator.chain.balance(receiver), book.states]).toEqual([0, 0n, []]);
    expect(await purchased()).toBe(0);
  });

  it.each([
    ['no base64', '%%%'],
    ['no JSON', btoa('pay')],
    ['no payment', btoa('{}')],
    ['of version 1', btoa('{"x402Version":1,"scheme":"exact","network":"base-sepolia","payload":{}}')],
  ])('that is %s: payment_invalid', async (_, header) => {
    expect(await refusal(post({ 'payment-signature': header }))).toEqual([400, 'payment_invalid', null]);
  });

  it('from an address that sends too many is not even asked about', async () => {
    const rate = isolateRate({ requests: 4, periodSeconds: 10 }, () => 0);
    service = new TestService({ payments: payments(sale), rates: { account: rate, refusals: rate } });
    const payment = await payer.payment(await post());
    facilitator.chain.cancel(authorizationOf(payment));
    asked = 0;
    const send = async () => (await pay(payment)).status;
    expect([await send(), await send(), await send()]).toEqual([402, 402, 402]);
    const before = asked;
    expect([await send(), await send(), asked - before]).toEqual([429, 429, 0]);
    expect(before).toBeGreaterThan(0);
  });

  it('that the payer took back, or used elsewhere, before', async () => {
    const payment = await payer.payment(await post());
    facilitator.chain.cancel(authorizationOf(payment));
    expect(await refusal(pay(payment))).toEqual([402, 'payment_refused', null]);
  });

  it('while the facilitator or the node does not answer: payment_unavailable', async () => {
    const payment = await payer.payment(await post());
    facilitator.isDown = true;
    const answer = await pay(payment);
    expect(answer.headers.get('retry-after')).toBe('60');
    expect(await refusal(Promise.resolve(answer))).toEqual([503, 'payment_unavailable', null]);
    facilitator.isDown = false;
    expect((await pay(payment)).status).toBe(200);
  });
});

describe('a payment whose settlement nobody heard the end of', () => {
  /** What the book's alarm does. */
  const check = () => Promise.all(book.pending.map((payment) => checkPayment(payment, sale)));
  const lost = async (payment?: PaymentPayload) => {
    const sent = payment ?? (await payer.payment(await post()));
    expect(await refusal(pay(sent))).toEqual([402, 'payment_pending', null]);
    expect([await purchased(), book.states]).toEqual([0, ['pending']]);
    return sent;
  };

  it.each(['settles, then breaks', 'settles, then hangs'] as const)(
    'is credited once where it was made: a facilitator that %s',
    async (behaviour) => {
      const impatient = new HTTPFacilitatorClient({ url: server.address, timeoutMs: 1000 });
      service = new TestService({ payments: payments({ ...sale, facilitator: impatient }) });
      facilitator.behaviour = behaviour;
      const payment = await lost();
      const [pending] = book.pending;
      for (let time = 0; time < 3; time++) await check();
      if (pending !== undefined) await checkPayment(pending, sale);
      expect([await purchased(), book.states]).toEqual([100_000, ['credited']]);
      expect(await refusal(pay(payment))).toEqual([402, 'payment_replayed', null]);
    },
  );

  it('is credited to the account whose key was sent', async () => {
    facilitator.behaviour = 'settles, then breaks';
    const payment = await payer.payment(await post());
    expect(await refusal(pay(payment, authorized))).toEqual([402, 'payment_pending', null]);
    await check();
    expect([await purchased('local'), await purchased()]).toEqual([100_000, 0]);
  });

  it.each(['fails', 'breaks'] as const)(
    'waits until it cannot be made any more, and then has failed: a facilitator that %s',
    async (behaviour) => {
      facilitator.behaviour = behaviour;
      await lost();
      await check();
      expect(book.states).toEqual(['pending']);
      ahead = 901_000;
      await check();
      expect([await purchased(), book.states]).toEqual([0, ['failed']]);
    },
  );

  it('is credited where the facilitator carries it out later', async () => {
    facilitator.behaviour = 'breaks';
    const payment = await lost();
    await check();
    ahead = 200_000;
    facilitator.chain.transfer(authorizationOf(payment));
    ahead = 400_000;
    await check();
    expect([await purchased(), book.states]).toEqual([100_000, ['credited']]);
  });

  it('is not credited where the payer took it back', async () => {
    facilitator.behaviour = 'breaks';
    facilitator.chain.cancel(authorizationOf(await lost()));
    ahead = 901_000;
    await check();
    expect([await purchased(), book.states]).toEqual([0, ['failed']]);
  });

  it.each([{ to: addressOf('3') }, { value: '1' }])(
    'is not credited where the payer used its nonce for another transfer: %s',
    async (changes) => {
      facilitator.behaviour = 'breaks';
      const payment = await lost();
      facilitator.chain.transfer({ ...authorizationOf(payment), ...changes });
      ahead = 901_000;
      await check();
      expect([await purchased(), book.states]).toEqual([0, ['failed']]);
    },
  );

  it('stays pending while the node does not answer', async () => {
    facilitator.behaviour = 'settles, then breaks';
    await lost();
    facilitator.isDown = true;
    await expect(check()).rejects.toThrow();
    facilitator.isDown = false;
    await check();
    expect(book.states).toEqual(['credited']);
  });

  it('is credited where the service stopped between the credit and its note', async () => {
    const end = book.end.bind(book);
    book.end = () => Promise.reject(new Error('killed'));
    const payment = await payer.payment(await post());
    expect((await pay(payment)).status).toBe(500);
    expect([await purchased(), book.states]).toEqual([100_000, ['pending']]);
    book.end = end;
    await check();
    expect([await purchased(), book.states]).toEqual([100_000, ['credited']]);
  });
});

function addressOf(digit: string): string {
  return `0x${digit.repeat(40)}`;
}
