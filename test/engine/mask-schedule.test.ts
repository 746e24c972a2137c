import { expect, test } from 'vitest';
import { decodeOrder, maskSchedule, revealedTokens } from '../../src/engine/mask-schedule.ts';

const sizes = [1, 2, 5, 16, 64];

test('reveals at least one token a step and all of them by the last', () => {
  for (const tokens of sizes) {
    for (let steps = 1; steps <= tokens + 3; steps++) {
      const kept = [tokens, ...maskSchedule(tokens, steps)];
      expect(kept.length - 1).toBe(Math.min(steps, tokens));
      expect(kept.at(-1)).toBe(0);
      kept.slice(1).forEach((keep, step) => {
        expect(keep).toBeLessThan(kept[step] as number);
      });
    }
  }
});

test('reveals few tokens first and many last', () => {
  // floor(16 cos(pi/2 k/8)), k = 1..8
  expect(maskSchedule(16, 8)).toEqual([15, 14, 13, 11, 8, 6, 3, 0]);
});

test('reveals one token a step when there are as many steps as tokens', () => {
  expect(maskSchedule(64, 1000)).toEqual(Array.from({ length: 64 }, (_, step) => 63 - step));
});

test('covers every token once, each step in ascending order', () => {
  const order = decodeOrder(7, 3, 64);
  const steps = revealedTokens(order, 8);
  expect(steps.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, token) => token));
  for (const revealed of steps) expect(revealed).toEqual(revealed.toSorted((a, b) => a - b));
});

test('keeps the head of the order masked longest', () => {
  const order = decodeOrder(7, 3, 16);
  expect(revealedTokens(order, 8).at(-1)).toEqual(order.slice(0, 3).sort((a, b) => a - b));
});

test('orders tokens anew for every frame and seed', () => {
  const orders = [
    decodeOrder(1, 0, 16),
    decodeOrder(1, 1, 16),
    decodeOrder(2, 0, 16),
    decodeOrder(1 + 2 ** 32, 0, 16),
  ];
  expect(new Set(orders.map((order) => order.join())).size).toBe(4);
});
