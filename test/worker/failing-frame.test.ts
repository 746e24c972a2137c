import { describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/contract/config.ts';
import { eventually } from '../eventually.ts';
import { expiryMs, FakeIsolate } from './fake-isolate.ts';
import { calmHash, inObject } from './fake-job.ts';

/** Never returns, as in a process that was killed. */
const killed = () => new Promise<void>(() => undefined);

vi.spyOn(console, 'error').mockImplementation(() => undefined);

describe('a frame that cannot be made', () => {
  it('is tried five times, then the job fails, keeps what it has and falls silent', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      isolate.backend.faults.beforeFrame = (index) => {
        if (index === 3) throw new Error('poisoned');
      };
      await job.create(isolate);
      await job.run(isolate);
      expect(isolate.backend.begun).toEqual([0, 1, 2, 3, 3, 3, 3, 3]);
      expect(job.record).toMatchObject({ status: 'failed', cursor: 3, error: { code: 'generation_failed' } });
      expect(job.alarm).toBe(isolate.now + expiryMs);
      await job.wake(isolate);
      expect(isolate.backend.begun.length).toBe(8);
    }));

  it('is not tried a sixth time after five killed processes', () =>
    inObject(async (job) => {
      await job.create(new FakeIsolate(100));
      for (let kill = 1; kill <= 5; kill++) {
        const doomed = new FakeIsolate(100);
        doomed.backend.faults.beforeFrame = killed;
        void job.wake(doomed);
        await eventually(() => expect(job.record.attempts).toBe(kill));
      }
      const isolate = new FakeIsolate(100);
      await job.run(isolate);
      expect(isolate.backend.begun).toEqual([]);
      expect(job.record).toMatchObject({ status: 'failed', error: { code: 'generation_failed' } });
      expect(job.record.error?.message).toContain('Frame 0');
      expect(job.alarm).toBe(isolate.now + expiryMs);
    }));

  it('starts the count anew when it is made after all', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      const tries = new Map<number, number>();
      isolate.backend.faults.beforeFrame = (index) => {
        const count = (tries.get(index) ?? 0) + 1;
        tries.set(index, count);
        if (count < limits.attemptsPerFrame) throw new Error('not yet');
      };
      await job.create(isolate);
      await job.run(isolate);
      expect(job.record.status).toBe('completed');
      expect(await job.videoHash()).toBe(await calmHash());
    }));

  it('is tried again after a pause that doubles', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      isolate.backend.faults.beforeFrame = () => {
        throw new Error('poisoned');
      };
      await job.create(isolate);
      const pauses: (number | null)[] = [];
      await job.run(isolate, () => pauses.push(job.alarm && job.alarm - isolate.now));
      expect(pauses).toEqual([500, 1000, 2000, 4000, expiryMs]);
    }));

  it('has five tries again once its owner resumes or extends the video', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      isolate.backend.faults.beforeFrame = (index) => {
        if (index === 3) throw new Error('poisoned');
      };
      await job.create(isolate);
      await job.run(isolate);
      await job.command(isolate, { kind: 'extend', from: 3, frames: 9 });
      await job.run(isolate);
      expect(isolate.backend.begun.filter((index) => index === 3).length).toBe(10);
      isolate.backend.faults.beforeFrame = () => undefined;
      await job.command(isolate, { kind: 'extend', from: 3, frames: 9 });
      await job.run(isolate);
      expect(job.record).toMatchObject({ status: 'completed', error: null });
      expect(await job.videoHash()).toBe(await calmHash());
    }));
});

describe('a model', () => {
  it('of another build than the job began with ends it as model_gone, with its frames', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await job.create(isolate);
      await job.wake(isolate);
      isolate.backend.faults.build = 'build-2';
      await job.run(isolate);
      expect(job.record).toMatchObject({ status: 'failed', cursor: 4, error: { code: 'model_gone' } });
      expect(job.frames().length).toBe(4);
    }));

  it('that is not served any more ends the job as model_gone', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      isolate.backend.faults.build = null;
      await job.create(isolate);
      await job.run(isolate);
      expect(job.record).toMatchObject({ status: 'failed', error: { code: 'model_gone' } });
    }));

  it('that cannot be read for the moment is tried again', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      isolate.backend.faults.build = new Error('assets are down');
      await job.create(isolate);
      await job.wake(isolate);
      expect(job.record).toMatchObject({ status: 'queued', attempts: 1 });
      isolate.backend.faults.build = 'build-1';
      await job.run(isolate);
      expect(job.record.status).toBe('completed');
    }));
});
