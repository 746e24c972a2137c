import { expect, it } from 'vitest';
import { costOf, frameCredits, paidFrames } from '../../src/billing/price.ts';

it('a frame costs what it takes to compute in whole credits, rounded up, at least one', () => {
  expect([1, 999, 1000, 1001, 25_000].map((adds) => frameCredits(adds, 1000))).toEqual([1, 1, 1, 2, 25]);
  expect(frameCredits(0, 1000)).toBe(1);
});

it('neither a given first frame nor shared frames cost anything', () => {
  expect(paidFrames(12, { shared: 0, isFirstGiven: false })).toBe(12);
  expect(paidFrames(12, { shared: 0, isFirstGiven: true })).toBe(11);
  expect(paidFrames(1, { shared: 0, isFirstGiven: true })).toBe(0);
  expect(paidFrames(12, { shared: 5, isFirstGiven: false })).toBe(7);
});

it('the cost of a video is the sum over its orders, each at its own price', () => {
  const ended = { price: { frames: 9, frameCredits: 10 }, captured: 4, isFinal: true };
  const running = { price: { frames: 5, frameCredits: 20 }, captured: 2, isFinal: false };
  expect(costOf([])).toEqual({ quoted: 0, held: 0, captured: 0, released: 0 });
  expect(costOf([ended])).toEqual({ quoted: 90, held: 0, captured: 40, released: 50 });
  expect(costOf([ended, running])).toEqual({ quoted: 190, held: 60, captured: 80, released: 50 });
});
