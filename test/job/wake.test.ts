import { describe, expect, it } from 'vitest';
import { limits } from '../../src/contract/config.ts';
import { frameMilliseconds, framesPerWake, multiplyAddsPerFrame } from '../../src/job/frame-cost.ts';
import { decideWake, isOverdue, leaseMilliseconds, retryMilliseconds } from '../../src/job/wake.ts';
import { sampleManifest } from '../contract/sample-manifest.ts';

describe('the decision on waking up', () => {
  it('counts the attempt that it is about to make', () => {
    expect(decideWake({ status: 'queued', cursor: 0, attempts: 0 })).toEqual({
      kind: 'compute',
      attempts: 1,
    });
    expect(decideWake({ status: 'in_progress', cursor: 3, attempts: 4 })).toEqual({
      kind: 'compute',
      attempts: 5,
    });
  });

  it('is to give up after the last attempt, naming the frame', () => {
    const decision = decideWake({ status: 'in_progress', cursor: 3, attempts: limits.attemptsPerFrame });
    expect(decision).toMatchObject({ kind: 'give_up', error: { code: 'generation_failed' } });
    expect(JSON.stringify(decision)).toContain('Frame 3');
  });

  it('is to sleep in a terminal state, whatever else holds', () => {
    for (const status of ['completed', 'failed'] as const) {
      expect(decideWake({ status, cursor: 9, attempts: 9 })).toEqual({ kind: 'sleep' });
    }
  });
});

describe('the cost of a frame', () => {
  it('counts decode steps, the commit pass, every token of the head, and the decoder', () => {
    const cost = multiplyAddsPerFrame(sampleManifest, { decodeSteps: 2, headSteps: 3 });
    expect(cost).toBe(3 * 1000 + 4 * (10 + 3 * 20) + 500);
  });

  it('knows that there are no more decode steps than tokens', () => {
    const most = multiplyAddsPerFrame(sampleManifest, { decodeSteps: 4, headSteps: 3 });
    expect(multiplyAddsPerFrame(sampleManifest, { decodeSteps: 64, headSteps: 3 })).toBe(most);
  });

  it('gives a wake at least one frame, however dear', () => {
    const speed = { multiplyAddsPerSecond: 100, wakeSeconds: 2 };
    expect([10, 66, 100, 201, 1e12].map((cost) => framesPerWake(cost, speed))).toEqual([20, 3, 2, 1, 1]);
  });

  it('sets the lease: three frames and two seconds', () => {
    const frame = frameMilliseconds(501, { multiplyAddsPerSecond: 1000, wakeSeconds: 1 });
    expect([frame, leaseMilliseconds(frame)]).toEqual([501, 3503]);
  });
});

it('pauses between tries double from half a second', () => {
  expect([1, 2, 3, 4].map(retryMilliseconds)).toEqual([500, 1000, 2000, 4000]);
});

it('only a running job whose lease is over is overdue', () => {
  expect(isOverdue({ status: 'in_progress', leaseUntil: 10 }, 11)).toBe(true);
  expect(isOverdue({ status: 'in_progress', leaseUntil: 10 }, 10)).toBe(false);
  expect(isOverdue({ status: 'completed', leaseUntil: 10 }, 11)).toBe(false);
});
