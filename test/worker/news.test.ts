import { expect, it } from 'vitest';
import { localAccount } from '../../src/contract/access.ts';
import type { VideoStatus } from '../../src/contract/job.ts';
import { FakeIsolate } from './fake-isolate.ts';
import { type FakeJob, inObject } from './fake-job.ts';

/** Milliseconds after which a test that still waits has failed. */
const long = 60_000;

/** What a listener is told, in short. */
async function news(
  job: FakeJob,
  isolate: FakeIsolate,
  from: number,
  known: VideoStatus | null,
  waitMs: number,
) {
  const answer = await (await job.in(isolate)).news(localAccount, from, known, waitMs);
  if (answer === null || answer === 'expired') return answer;
  return { status: answer.view.status, frames: answer.frames.map(({ index }) => index) };
}

it('news of frames come at once', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(4);
    await job.create(isolate);
    await job.wake(isolate);
    expect(await news(job, isolate, 0, 'in_progress', long)).toEqual({
      status: 'in_progress',
      frames: [0, 1, 2, 3],
    });
    expect(await news(job, isolate, 3, 'in_progress', long)).toEqual({ status: 'in_progress', frames: [3] });
  }));

it('news come in portions of at most 16 frames', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(100);
    await job.create(isolate, { frames: 40 });
    await job.run(isolate);
    const portions: number[] = [];
    for (let from = 0; from < 40; from += portions.at(-1) as number) {
      const portion = await news(job, isolate, from, 'completed', long);
      portions.push((portion as { frames: number[] }).frames.length);
    }
    expect(portions).toEqual([16, 16, 8]);
  }));

it('who asks before there is a frame is answered when it is committed, not when the wake ends', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(100);
    await job.create(isolate);
    const asked = news(job, isolate, 0, 'queued', long);
    let answer: unknown;
    isolate.backend.faults.beforeFrame = async (index) => {
      if (index === 4) answer = await asked;
    };
    await job.wake(isolate);
    expect(answer).toMatchObject({ status: 'in_progress', frames: [0] });
  }));

it('every listener hears of a commit', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(1);
    await job.create(isolate);
    await job.wake(isolate);
    const asked = [1, 2, 3].map(() => news(job, isolate, 1, 'in_progress', long));
    await job.wake(isolate);
    for (const answer of await Promise.all(asked))
      expect(answer).toEqual({ status: 'in_progress', frames: [1] });
  }));

it('a change of status is news', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(1);
    await job.create(isolate);
    for (const [known, kind, status] of [
      ['queued', 'pause', 'paused'],
      ['paused', 'resume', 'queued'],
      ['queued', 'cancel', 'cancelled'],
    ] as const) {
      const asked = news(job, isolate, 0, known, long);
      await job.command(isolate, { kind });
      expect(await asked).toEqual({ status, frames: [] });
    }
    expect(await news(job, isolate, 0, null, long)).toEqual({ status: 'cancelled', frames: [] });
  }));

it('without anything new, the answer comes when the time is over', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(1);
    await job.create(isolate);
    const began = Date.now();
    expect(await news(job, isolate, 0, 'queued', 80)).toEqual({ status: 'queued', frames: [] });
    expect(Date.now() - began).toBeGreaterThanOrEqual(75);
    expect(await news(job, isolate, 0, 'queued', 0)).toEqual({ status: 'queued', frames: [] });
  }));

it('a part of a frame is no news', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(0.4);
    await job.create(isolate);
    const asked = news(job, isolate, 0, 'queued', 80);
    await job.wake(isolate);
    expect(await asked).toEqual({ status: 'queued', frames: [] });
  }));

it('who listens to a video that is removed, or that expires, is told', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(100);
    await job.create(isolate);
    await job.run(isolate);
    const expired = news(job, isolate, 9, 'completed', long);
    isolate.now = job.record.expiresAt as number;
    await job.wake(isolate);
    expect(await expired).toBe('expired');
    const object = await job.in(isolate);
    await object.remove(localAccount);
    expect(await news(job, isolate, 0, null, long)).toBeNull();
  }));

it('a change is heard at whatever moment after the question it comes', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(1);
    await job.create(isolate);
    const object = await job.in(isolate);
    for (let ticks = 0; ticks < 8; ticks++) {
      const isPaused = job.record.status === 'paused';
      const asked = object.news(localAccount, 0, isPaused ? 'paused' : 'queued', 5000);
      for (let tick = 0; tick < ticks; tick++) await null;
      await object.command(localAccount, { kind: isPaused ? 'resume' : 'pause' });
      const answer = await Promise.race([asked, scheduler.wait(1000)]);
      expect(answer).toMatchObject({ view: { status: isPaused ? 'queued' : 'paused' } });
    }
  }));
