import { describe, expect, it } from 'vitest';
import {
  chunkOf,
  frameMilliseconds,
  jobCost,
  multiplyAddsPerFrame,
  nextFrameMultiplyAdds,
} from '../../src/job/frame-cost.ts';
import { newRecord } from '../../src/job/job-changes.ts';
import type { JobRecord } from '../../src/job/job-record.ts';
import {
  generationFailed,
  hasExpired,
  isOverdue,
  leaseMilliseconds,
  retryMilliseconds,
} from '../../src/job/wake.ts';
import { sampleManifest } from '../contract/sample-manifest.ts';
import { sampleRecord } from './sample-record.ts';

describe('the cost of a frame', () => {
  it('counts decode steps, the commit pass, every token of the head, and the decoder', () => {
    const cost = multiplyAddsPerFrame(sampleManifest, { decodeSteps: 2, headSteps: 3 });
    expect(cost).toBe(3 * 1000 + 4 * (10 + 3 * 20) + 500);
  });

  it('knows that there are no more decode steps than tokens', () => {
    const most = multiplyAddsPerFrame(sampleManifest, { decodeSteps: 4, headSteps: 3 });
    expect(multiplyAddsPerFrame(sampleManifest, { decodeSteps: 64, headSteps: 3 })).toBe(most);
  });

  it('sets the lease: three frames and two seconds', () => {
    const frame = frameMilliseconds(501, { multiplyAddsPerSecond: 1000, wakeSeconds: 1 });
    expect([frame, leaseMilliseconds(frame)]).toEqual([501, 3503]);
  });
});

describe('the chunk of a wake', () => {
  const speed = { multiplyAddsPerSecond: 100, wakeSeconds: 2 };
  const chunk = (frameMultiplyAdds: number, changes: Partial<JobRecord> = {}) => {
    const cost = { frameMultiplyAdds, firstFrameMultiplyAdds: frameMultiplyAdds };
    return chunkOf({ ...sampleRecord, ...cost, ...changes }, sampleManifest.tokenizer.tokens, speed);
  };

  it('is as many whole frames as fit, up to the last one', () => {
    const ends = [10, 66, 100, 200].map((cost) => chunk(cost).endFrame);
    expect(ends).toEqual([9, 3, 2, 1]);
    expect(chunk(66, { cursor: 5 }).endFrame).toBe(8);
    expect(chunk(66).passes).toBe(Number.POSITIVE_INFINITY);
  });

  it('is as many passes of one frame as fit where no frame does, at least one', () => {
    expect([201, 300, 301, 600, 601, 1e12].map((cost) => chunk(cost, { cursor: 4 }))).toEqual([
      { endFrame: 5, passes: 2 },
      { endFrame: 5, passes: 2 },
      { endFrame: 5, passes: 1 },
      { endFrame: 5, passes: 1 },
      { endFrame: 5, passes: 1 },
      { endFrame: 5, passes: 1 },
    ]);
  });
});

describe('a first frame that the model draws', () => {
  const speed = { multiplyAddsPerSecond: 100, wakeSeconds: 2 };
  const spec = { ...sampleRecord.spec, firstFrameSampling: { decodeSteps: 4, headSteps: 3, temperature: 1 } };
  const job: JobRecord = { ...sampleRecord, spec, frameMultiplyAdds: 40, firstFrameMultiplyAdds: 110 };
  const tokens = sampleManifest.tokenizer.tokens;

  it('has steps and a cost of its own, and what is left of the wake is for others', () => {
    expect(chunkOf(job, tokens, speed)).toEqual({ endFrame: 3, passes: Number.POSITIVE_INFINITY });
    expect(chunkOf({ ...job, cursor: 1 }, tokens, speed).endFrame).toBe(6);
    expect(chunkOf({ ...job, firstFrameMultiplyAdds: 500 }, tokens, speed)).toEqual({
      endFrame: 1,
      passes: 2,
    });
    expect(jobCost(sampleManifest, spec)).toEqual({
      frameMultiplyAdds: multiplyAddsPerFrame(sampleManifest, spec),
      firstFrameMultiplyAdds: 5 * 1000 + 4 * (10 + 3 * 20) + 500,
    });
  });

  it('is nothing apart where it was given', () => {
    const given = { ...job, isFirstGiven: true };
    expect(chunkOf(given, tokens, speed).endFrame).toBe(5);
    expect([nextFrameMultiplyAdds(job), nextFrameMultiplyAdds(given)]).toEqual([110, 40]);
    expect(nextFrameMultiplyAdds({ ...job, cursor: 1 })).toBe(40);
  });
});

it('pauses between tries double from half a second', () => {
  expect([1, 2, 3, 4].map(retryMilliseconds)).toEqual([500, 1000, 2000, 4000]);
});

it('the reason of a frame that cannot be made names the frame', () => {
  expect(generationFailed(3)).toMatchObject({ code: 'generation_failed' });
  expect(generationFailed(3).message).toContain('Frame 3');
});

it('a job is overdue once its time to wake has passed, and never without one', () => {
  const job = newRecord({ ...sampleRecord, webhookUrl: undefined, firstFrame: null, frameCredits: 10 }, 10);
  expect([isOverdue(job, 11), isOverdue(job, 10)]).toEqual([true, false]);
  expect(isOverdue({ ...job, wakeAt: null }, 11)).toBe(false);
});

it('only a video that rests expires', () => {
  const expired = (status: JobRecord['status'], expiresAt: number | null, now: number) =>
    hasExpired({ ...sampleRecord, status, expiresAt }, now);
  for (const status of ['completed', 'failed', 'cancelled', 'paused'] as const) {
    expect([expired(status, 10, 9), expired(status, 10, 10), expired(status, null, 10)]).toEqual([
      false,
      true,
      false,
    ]);
  }
  for (const status of ['queued', 'in_progress'] as const) expect(expired(status, 10, 11)).toBe(false);
});
