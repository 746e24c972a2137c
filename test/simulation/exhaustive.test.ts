import { describe, expect, it } from 'vitest';
import { explore } from './exhaustive.ts';
import { smallWorld } from './exhaustive-world.ts';

describe('every course that two jobs can take', () => {
  it('with a crash and a cancellation at any of 10,000 moments keeps all promises and comes to rest', () => {
    const { states, cancellations, violation } = explore(smallWorld);
    expect(violation).toBeNull();
    expect(cancellations).toBeGreaterThan(10_000);
    expect(states).toBeGreaterThan(cancellations);
  });
});

describe('every course that one job can take', () => {
  it('with two crashes, a cancellation, an alarm twice and a lost message keeps all promises', () => {
    const bounds = { ...smallWorld, jobs: 1, crashes: 2, duplicates: 1, losses: 1 };
    const { states, violation } = explore(bounds);
    expect(violation).toBeNull();
    expect(states).toBeGreaterThan(1000);
  });
});
