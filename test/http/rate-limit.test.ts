import OpenAI from 'openai';
import { beforeEach, expect, it } from 'vitest';
import { linkSigner } from '../../src/access/link-signer.ts';
import { isolateRate } from '../../src/access/request-rate.ts';
import { serviceKey } from '../service-key.ts';
import { loopbackServer } from './loopback-server.ts';
import { refusal, TestService } from './test-service.ts';

/** 2.5 seconds into a period. */
const start = 1_700_000_002_500;
const requests = 3;

let now = start;
let service: TestService;

beforeEach(() => {
  now = start;
  const rate = () => isolateRate({ requests, periodSeconds: 10 }, () => now);
  service = new TestService({ rates: { account: rate(), refusals: rate() } });
});

async function statuses(count: number, ask: () => Promise<Response>): Promise<number[]> {
  const answers: number[] = [];
  for (let request = 0; request < count; request++) answers.push((await ask()).status);
  return answers;
}

const wrongKey = (address: string) => () =>
  service.request('/v1/videos', {
    headers: { authorization: `Bearer ${serviceKey.replaceAll('0', '1')}`, 'cf-connecting-ip': address },
  });

it('an account that asks too often is told when to ask again, and then may', async () => {
  expect(await statuses(requests, () => service.request('/v1/videos'))).toEqual([200, 200, 200]);
  const answer = await service.request('/v1/videos');
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'retry-after': '8',
    'ratelimit-policy': '"account";q=3;w=10',
    ratelimit: '"account";r=0;t=8',
    'x-content-type-options': 'nosniff',
  });
  expect(await refusal(Promise.resolve(answer))).toEqual([429, 'rate_limited', null]);
  now += 7000;
  expect(await statuses(1, () => service.request('/v1/videos'))).toEqual([429]);
  now += 1000;
  expect(await statuses(1, () => service.request('/v1/videos'))).toEqual([200]);
});

it('the rate is checked after who asks and before what is asked', async () => {
  await statuses(requests, () => service.request('/v1/videos'));
  const text = { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } };
  expect(await refusal(service.request('/v1/videos', text))).toEqual([429, 'rate_limited', null]);
  expect(await refusal(wrongKey('192.0.2.1')())).toEqual([401, 'key_invalid', null]);
});

it('signed links have a rate of their own, so that who has one cannot silence the account', async () => {
  const { id } = await service.created();
  service.jobs.commit(id, [new Uint8Array([1])], 'completed');
  const links = linkSigner({ secrets: [serviceKey], hours: 24, clock: Date.now });
  const token = await links.sign('local', id);
  const linked = () => service.ask(`/v1/videos/${id}/frames/0.png?token=${token}`);
  expect(await statuses(requests + 1, linked)).toEqual([200, 200, 200, 429]);
  expect(await statuses(1, () => service.request(`/v1/videos/${id}`))).toEqual([200]);
});

it('what needs no key is not counted', async () => {
  expect(new Set(await statuses(requests + 5, () => service.ask('/openapi.json')))).toEqual(new Set([200]));
});

it('an address that is refused too often gets 429, and a good key from there goes on', async () => {
  expect(await statuses(requests + 1, wrongKey('192.0.2.1'))).toEqual([401, 401, 401, 429]);
  const answer = await wrongKey('192.0.2.1')();
  expect([answer.headers.get('retry-after'), answer.headers.get('www-authenticate')]).toEqual(['8', null]);
  expect(await refusal(Promise.resolve(answer))).toEqual([429, 'rate_limited', null]);
  const good = () => service.request('/v1/videos', { headers: { 'cf-connecting-ip': '192.0.2.1' } });
  expect(await statuses(1, good)).toEqual([200]);
  expect(await statuses(1, wrongKey('192.0.2.2'))).toEqual([401]);
});

it('addresses of one IPv6 network are counted together, whatever their spelling', async () => {
  await statuses(requests, wrongKey('2001:db8::1'));
  expect(await statuses(1, wrongKey('2001:db8:0:0:ffff::2'))).toEqual([429]);
  expect(await statuses(1, wrongKey('2001:db8:0:1::1'))).toEqual([401]);
});

it('a request without any key counts, a refusal of another kind does not', async () => {
  const keyless = () => service.ask('/v1/videos', { headers: { 'cf-connecting-ip': '192.0.2.9' } });
  expect(await statuses(requests + 1, keyless)).toEqual([401, 401, 401, 429]);
  const missing = () => service.request('/v1/videos/none', { headers: { 'cf-connecting-ip': '192.0.2.8' } });
  expect(await statuses(requests, missing)).toEqual([404, 404, 404]);
  expect(await statuses(1, wrongKey('192.0.2.8'))).toEqual([401]);
  expect(service.log.filter(({ error }) => error === 'rate_limited')).toHaveLength(1);
});

it('the npm package openai waits as long as it is told, and then gets its answer', async () => {
  const rate = isolateRate({ requests: 1, periodSeconds: 2 }, Date.now);
  const patient = new TestService({ rates: { account: rate, refusals: rate } });
  const statuses: number[] = [];
  const server = await loopbackServer(async (request) => {
    const answer = await patient.send(request);
    statuses.push(answer.status);
    return answer;
  });
  try {
    const client = new OpenAI({ baseURL: `${server.address}/v1`, apiKey: serviceKey, maxRetries: 1 });
    // One of them may fall into another period than the one before.
    for (let call = 0; call < 3; call++) expect((await client.videos.list()).data).toEqual([]);
    expect(statuses.filter((status) => status === 200)).toHaveLength(3);
    expect(statuses).toContain(429);
  } finally {
    await server.stop();
  }
});
