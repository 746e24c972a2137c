import { describe, expect, it } from 'vitest';
import { explore } from './exhaustive.ts';
import { smallWorld } from './exhaustive-world.ts';

describe('every course that two jobs can take', () => {
  it('with a crash and a cancellation at any moment keeps all promises and comes to rest', () => {
    const { states, violation } = explore(smallWorld);
    expect(violation).toBeNull();
    expect(states).toBeGreaterThan(10_000);
  });
});

describe('every course that one job can take', () => {
  it('with two crashes, a cancellation, an alarm twice and a lost message keeps all promises', () => {
    const bounds = { ...smallWorld, jobs: 1, frames: 3, crashes: 2, duplicates: 1, losses: 1 };
    const { states, violation } = explore(bounds);
    expect(violation).toBeNull();
    expect(states).toBeGreaterThan(1000);
  });
});
