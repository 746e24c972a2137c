import { expect, it } from 'vitest';
import { isolateRate } from '../../src/access/request-rate.ts';

function rateAt(start: number) {
  let now = start;
  const rate = isolateRate({ requests: 3, periodSeconds: 10 }, () => now);
  return { rate, pass: (milliseconds: number) => (now += milliseconds) };
}

it('as many requests as the rate allows go on, the next one is told when the period ends', async () => {
  const { rate } = rateAt(1_000_004_200);
  for (let request = 0; request < 3; request++) expect(await rate.count('a')).toBe(0);
  expect(await rate.count('a')).toBe(6);
});

it('a caller who waits as long as he was told goes on, and one who asks a second early does not', async () => {
  const { rate, pass } = rateAt(1_000_004_200);
  for (let request = 0; request < 3; request++) await rate.count('a');
  const seconds = await rate.count('a');
  pass((seconds - 1) * 1000);
  expect(await rate.count('a')).toBe(1);
  pass(1000);
  expect(await rate.count('a')).toBe(0);
});

it('callers are counted apart', async () => {
  const { rate } = rateAt(0);
  for (let request = 0; request < 4; request++) await rate.count('a');
  expect(await rate.count('b')).toBe(0);
});

it('refused requests do not use up the next period', async () => {
  const { rate, pass } = rateAt(0);
  for (let request = 0; request < 100; request++) await rate.count('a');
  pass(10_000);
  for (let request = 0; request < 3; request++) expect(await rate.count('a')).toBe(0);
});
