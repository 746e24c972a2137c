import {
  evictDurableObject,
  listDurableObjectIds,
  runDurableObjectAlarm,
  runInDurableObject,
  SELF,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { PaymentPayload } from '@x402/core/types';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { VideoClient } from '../../src/client/video-client.ts';
import { ToppedUpAccount } from '../../src/contract/account.ts';
import { LocalFacilitator } from '../billing/local-facilitator.ts';
import { Payer, paying } from '../billing/payer.ts';
import { eventually } from '../eventually.ts';
import { authorized } from '../service-key.ts';
import { small } from './service.ts';

const url = 'http://service.invalid/v1/account/topup';
const send = (request: Request) => SELF.fetch(request);
const post = (headers: Record<string, string> = {}) => SELF.fetch(url, { method: 'POST', headers });

let facilitator: LocalFacilitator;
let payer: Payer;

beforeEach(() => {
  facilitator = new LocalFacilitator();
  payer = new Payer();
  facilitator.chain.fund(payer.address, 5_000_000n);
  vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) => {
    const request = new Request(input, init);
    if (new URL(request.url).hostname !== 'facilitator.invalid')
      throw new Error(`${request.url} is not reached`);
    return facilitator.send(request);
  });
});
afterEach(() => vi.restoreAllMocks());

/** Credits that were bought, besides those that every account is given here. */
async function bought(account = payer.account): Promise<number> {
  const { entries } = await env.ACCOUNTS.get(env.ACCOUNTS.idFromName(account)).entries({
    ...{ after: null, limit: 100, order: 'asc' },
  });
  return entries
    .filter(({ kind, reference }) => kind === 'topup' && reference?.startsWith('x402:'))
    .reduce((sum, { credits }) => sum + credits, 0);
}

async function codeOf(answer: Response): Promise<string> {
  return ((await answer.json()) as { error: { code: string } }).error.code;
}

/** The object that keeps a payment. */
function partOf({ payload }: PaymentPayload) {
  const { nonce } = payload.authorization as { nonce: string };
  return env.PAYMENTS.get(env.PAYMENTS.idFromName(`payments-${nonce[2]?.toLowerCase()}`));
}

/** A minute later for the book, whose alarm then looks. */
async function checked(payment: PaymentPayload): Promise<void> {
  const part = partOf(payment);
  await runInDurableObject(part, (_, { storage }) =>
    storage.sql.exec("UPDATE payment SET begun_at = begun_at - 60000 WHERE state = 'pending'"),
  );
  expect(await runDurableObjectAlarm(part)).toBe(true);
}

describe('credits for money, inside workerd', () => {
  it('a stranger pays with the stock client, and makes a video with the key that comes back', async () => {
    const answer = await payer.fetch(send)(url, { method: 'POST' });
    expect(answer.status).toBe(200);
    const { id, key, payment } = ToppedUpAccount.parse(await answer.json());
    expect([id, payment?.credits, await bought()]).toEqual([payer.account, 100_000, 100_000]);
    const own = new VideoClient('http://service.invalid', key as string, send);
    const { id: video } = await own.create({ ...small, frames: 2 });
    await expect.poll(async () => (await own.retrieve(video)).status, { timeout: 30_000 }).toBe('completed');
    expect((await own.list()).data.map((job) => job.id)).toEqual([video]);
  });

  it('100 copies of one payment at the same time count once, with a key or without', async () => {
    const payment = await payer.payment(await post());
    const before = await bought('local');
    const codes = await Promise.all(
      Array.from({ length: 100 }, async (_, copy) => {
        const answer = await post({ ...paying(payment), ...(copy % 2 === 0 ? {} : authorized) });
        return answer.status === 200 ? answer.text().then(() => 'paid') : codeOf(answer);
      }),
    );
    expect(Object.groupBy(codes, (code) => code).paid).toHaveLength(1);
    expect(Object.groupBy(codes, (code) => code).payment_replayed).toHaveLength(99);
    expect((await bought()) + (await bought('local')) - before).toBe(100_000);
    expect(facilitator.settleCalls).toBe(1);
  });

  it('a payment that was settled, and of which nobody heard, is credited by the alarm, once', async () => {
    facilitator.behaviour = 'settles, then breaks';
    const payment = await payer.payment(await post());
    expect(await codeOf(await post(paying(payment)))).toBe('payment_pending');
    expect(await bought()).toBe(0);
    await evictDurableObject(partOf(payment));
    facilitator.isDown = true;
    await checked(payment);
    expect(await bought()).toBe(0);
    facilitator.isDown = false;
    await checked(payment);
    expect(await bought()).toBe(100_000);
    expect(await runDurableObjectAlarm(partOf(payment))).toBe(false);
    expect(await codeOf(await post(paying(payment)))).toBe('payment_replayed');
    expect(await bought()).toBe(100_000);
  });

  it('a service that is killed after the settlement credits it later', async () => {
    const payment = await payer.payment(await post());
    const { authorization } = payment.payload as {
      authorization: Parameters<typeof facilitator.chain.transfer>[0];
    };
    facilitator.behaviour = 'settles, then hangs';
    const killed = new AbortController();
    const asked = SELF.fetch(url, { method: 'POST', headers: paying(payment), signal: killed.signal });
    await eventually(() => expect(facilitator.chain.isUsed(authorization)).toBe(true));
    killed.abort();
    await expect(asked).rejects.toThrow();
    expect(await bought()).toBe(0);
    await checked(payment);
    expect(await bought()).toBe(100_000);
  });

  it('what strangers send makes no object', async () => {
    const accounts = (await listDurableObjectIds(env.ACCOUNTS)).length;
    const payment = await payer.payment(await post(), { amount: '1' });
    expect(await codeOf(await post(paying(payment)))).toBe('payment_mismatch');
    const poor = await new Payer().payment(await post());
    expect(await codeOf(await post(paying(poor)))).toBe('payment_refused');
    expect((await listDurableObjectIds(env.ACCOUNTS)).length).toBe(accounts);
    expect((await listDurableObjectIds(env.PAYMENTS)).length).toBeLessThanOrEqual(16);
  });
});
