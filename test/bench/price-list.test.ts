import { expect, it } from 'vitest';
import { costsOfMillionFrames, type MeasuredUse, total } from '../../bench/price-list.ts';

const use: MeasuredUse = {
  framesPerSecond: 8,
  durabilityShare: 0,
  rowsWrittenPerFrame: 6,
  objectRequestsPerFrame: 0.1,
  storedBytesPerFrame: 10_000,
  kvBytesPerJob: 480_000,
};

function dollars(changed: Partial<MeasuredUse> = {}): Record<string, number> {
  return Object.fromEntries(
    costsOfMillionFrames({ ...use, ...changed }).map((one) => [one.name, one.dollars]),
  );
}

it('a million frames are priced by duration, rows, storage and requests', () => {
  // 125,000 s of 0.128 GB at 12.50 a million; 6 million rows at 1; 10 GB of frames and 10 GB of K/V for a month at 0.20.
  const costs = dollars();
  expect(costs['objects, duration']).toBeCloseTo(0.2, 6);
  expect(costs['objects, rows written']).toBeCloseTo(6, 6);
  expect(costs['objects, storage']).toBeCloseTo(4, 6);
  // 62,500 requests of 20,833 videos.
  expect(costs['Worker, requests']).toBeCloseTo(0.01875, 6);
  expect(costs['objects, requests']).toBeCloseTo(0.15 * (1.1 + 0.0625), 6);
});

it('frames that take twice as long cost twice the duration and nothing else', () => {
  const [once, twice] = [dollars(), dollars({ framesPerSecond: 4 })];
  expect(twice['objects, duration']).toBeCloseTo(2 * (once['objects, duration'] ?? 0), 6);
  expect({ ...twice, 'objects, duration': 0 }).toEqual({ ...once, 'objects, duration': 0 });
});

it('the total is the sum', () => {
  const costs = costsOfMillionFrames(use);
  expect(total(costs).dollars).toBeCloseTo(
    Object.values(dollars()).reduce((a, b) => a + b),
    9,
  );
});
