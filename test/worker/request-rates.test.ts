import { SELF } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { platformRate } from '../../src/access/request-rate.ts';
import { ErrorBody } from '../../src/contract/job.ts';

it("the platform's binding lets through as many requests as it is told, each caller for himself", async () => {
  const rate = platformRate(env.ACCOUNT_RATE, { requests: 3, periodSeconds: 10 });
  // A period may end meanwhile, once.
  const waits: number[] = [];
  while (waits.at(-1) !== 10 && waits.length < 8) waits.push(await rate.count('a'));
  expect(waits.at(-1)).toBe(10);
  expect(waits.length).toBeGreaterThan(3);
  expect(new Set(waits.slice(0, -1))).toEqual(new Set([0]));
  expect(await rate.count('b')).toBe(0);
});

function refused(address: string): Promise<Response> {
  const headers = { authorization: 'Bearer x', 'cf-connecting-ip': address };
  return SELF.fetch('http://service.invalid/v1/videos', { headers });
}

it('who sends wrong keys for ever is told when to ask again, and is answered as before after that', async () => {
  const most = 2 * Number(env.ADDRESS_REFUSALS) + 1;
  let answer = await refused('203.0.113.7');
  for (let request = 1; answer.status === 401 && request < most; request++) {
    await answer.arrayBuffer();
    answer = await refused('203.0.113.7');
  }
  expect(answer.status).toBe(429);
  expect(ErrorBody.parse(await answer.json()).error.code).toBe('rate_limited');
  const seconds = Number(answer.headers.get('retry-after'));
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(10);
  const other = await refused('203.0.113.8');
  expect(other.status).toBe(401);
  await other.arrayBuffer();
  await scheduler.wait(seconds * 1000);
  const later = await refused('203.0.113.7');
  expect(later.status).toBe(401);
  await later.arrayBuffer();
});
