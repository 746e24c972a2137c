import { describe, expect, it } from 'vitest';
import {
  commanded,
  frameCommitted,
  framesReplayed,
  framesShared,
  gone,
  type Moment,
} from '../../src/job/job-changes.ts';
import type { FrameCommit, JobRecord } from '../../src/job/job-record.ts';
import { samplePrice, sampleRecord } from './sample-record.ts';

const moment: Moment = {
  now: 5000,
  expiryMs: 100,
  settlement: { hold: 0, captured: 4, isFinal: false, price: samplePrice },
};

function frame(index: number): FrameCommit {
  return { index, png: new Uint8Array(), latents: new Float32Array() };
}

const cache = new Uint8Array();
const made = (index: number) => ({ frame: frame(index), cache, window: 2 });

/** K and V of all frames are there. */
const job = ({ cursor = 0, ...changes }: Partial<JobRecord>): JobRecord => ({
  ...sampleRecord,
  cursor,
  pastCursor: cursor,
  ...changes,
});

describe('a committed frame', () => {
  it('moves the cursor, is captured, and counts the next frame as tried where the wake goes on', () => {
    const change = frameCommitted(job({ cursor: 4, attempts: 3 }), made(4), moment, 7000);
    const expected = { status: 'in_progress', cursor: 5, pastCursor: 5, attempts: 1, wakeAt: 7000 };
    expect(change.job).toEqual(expected);
    expect(change).toMatchObject({ caches: [{ index: 4, cache }], keepCacheFrom: 3, partial: null });
    expect(change.settlements).toEqual([{ ...moment.settlement, captured: 5, isFinal: false }]);
  });

  it('that ends the wake asks for the next one at once', () => {
    const change = frameCommitted(job({ cursor: 4 }), made(4), moment, null);
    expect(change.job).toMatchObject({ attempts: 0, wakeAt: 5000 });
  });

  it('that is the last one ends the job and its hold', () => {
    const change = frameCommitted(job({ cursor: 8 }), made(8), moment, null);
    expect(change.job).toMatchObject({
      status: 'completed',
      completedAt: 5000,
      expiresAt: 5100,
      wakeAt: 5000,
    });
    expect(change.settlements).toEqual([{ ...moment.settlement, captured: 5, isFinal: true }]);
  });

  it('is free where it was given, and that is frame 0 alone', () => {
    const given = job({ isFirstGiven: true });
    const nothing = { ...moment, settlement: { ...moment.settlement, captured: 0 } };
    expect(frameCommitted(given, made(0), nothing, null).settlements?.[0]?.captured).toBe(0);
    expect(
      frameCommitted({ ...given, cursor: 1, pastCursor: 1 }, made(1), nothing, null).settlements?.[0]
        ?.captured,
    ).toBe(1);
  });

  it('that is not the next one, or comes before K and V of those before it, is a bug', () => {
    for (const index of [3, 5])
      expect(() => frameCommitted(job({ cursor: 4 }), made(index), moment, null)).toThrow(RangeError);
    const behind = job({ cursor: 4, pastCursor: 3 });
    expect(() => frameCommitted(behind, made(4), moment, null)).toThrow(RangeError);
  });
});

it('K and V that were made anew move the past on, leave the cursor, and cost nothing', () => {
  const replayed = { caches: [{ index: 5, cache }], pastCursor: 6, window: 2 };
  expect(framesReplayed(replayed, 5000, 7000)).toEqual({
    job: { pastCursor: 6, attempts: 1, wakeAt: 7000 },
    caches: replayed.caches,
    keepCacheFrom: 4,
  });
  expect(framesReplayed(replayed, 5000, null).job).toEqual({ pastCursor: 6, attempts: 0, wakeAt: 5000 });
});

it('shared frames are free', () => {
  const change = framesShared(
    job({ source: { id: 'video_source', frames: 3 } }),
    [frame(0), frame(1)],
    moment,
  );
  expect(change.job).toMatchObject({ cursor: 2, attempts: 0, wakeAt: 5000 });
  expect(change.settlements).toEqual([{ ...moment.settlement, captured: 4, isFinal: false }]);
});

describe('an extension', () => {
  const finished = job({ status: 'completed', cursor: 9, completedAt: 1, expiresAt: 2 });
  const order = { hold: 3, openedAt: moment.now, price: { frames: 3, frameCredits: 20 } };
  const legs = (before: JobRecord, interval?: number) => {
    const frames = before.cursor + 3;
    const extend = { kind: 'extend', from: before.cursor, frames, interval, order } as const;
    const change = commanded(before, extend, moment);
    return change !== null && 'job' in change ? change.job.spec?.legs : change;
  };
  const leg = (from: number, seed: number, interval: number) => ({ from, seed, interval });
  const withLegs = (cursor: number, ...all: ReturnType<typeof leg>[]) => ({
    ...finished,
    cursor,
    spec: { ...finished.spec, legs: all },
  });

  it('goes on in the last leg, and in a new one only where its interval is another', () => {
    expect(legs(finished)).toEqual([leg(0, 7, 1)]);
    expect(legs(finished, 1)).toEqual([leg(0, 7, 1)]);
    expect(legs(finished, 3)).toEqual([leg(0, 7, 1), leg(9, 7, 3)]);
  });

  it('of nothing replaces the first leg', () => {
    expect(legs(withLegs(0, leg(0, 7, 1)), 3)).toEqual([leg(0, 7, 3)]);
  });

  it('goes on with the seed and the interval of a fork that was ended before its own frames', () => {
    for (const cursor of [2, 4])
      expect(legs(withLegs(cursor, leg(0, 7, 1), leg(4, 8, 2)))).toEqual([leg(0, 7, 1), leg(cursor, 8, 2)]);
    expect(legs(withLegs(0, leg(0, 7, 1), leg(4, 8, 2)))).toEqual([leg(0, 8, 2)]);
  });

  it('begins under the hold that was opened for it, and another epoch', () => {
    const change = commanded(finished, { kind: 'extend', from: 9, frames: 12, order }, moment);
    expect(change).toMatchObject({
      job: { status: 'queued', hold: 3, epoch: 1, wakeAt: 5000, expiresAt: null, completedAt: null },
      settlements: [{ hold: 3, captured: 0, isFinal: false, price: order.price }],
    });
  });
});

it('every command raises the epoch, and one that changes nothing does not', () => {
  const epoch = (before: JobRecord, kind: 'pause' | 'resume' | 'cancel') => {
    const change = commanded(before, { kind }, moment);
    return change !== null && 'job' in change ? change.job.epoch : change;
  };
  expect(epoch(job({}), 'pause')).toBe(1);
  expect(epoch(job({ status: 'paused', epoch: 1 }), 'resume')).toBe(2);
  expect(epoch(job({ status: 'paused', epoch: 1 }), 'cancel')).toBe(2);
  expect(epoch(job({}), 'resume')).toBeNull();
  expect(epoch(job({ status: 'paused' }), 'pause')).toBeNull();
  expect(epoch(job({ status: 'cancelled' }), 'cancel')).toBeNull();
});

it('a video that goes ends its hold with what was captured', () => {
  for (const event of ['expired', 'removed'] as const) {
    const change = gone(job({ status: 'completed' }), event, moment);
    expect(change).toMatchObject({ dropsVideo: true, job: { status: event, epoch: 1, wakeAt: 5000 } });
    expect(change.settlements).toEqual([{ ...moment.settlement, captured: 4, isFinal: true }]);
  }
});
