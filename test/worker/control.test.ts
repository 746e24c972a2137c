import { describe, expect, it, vi } from 'vitest';
import { localAccount } from '../../src/contract/access.ts';
import type { Command } from '../../src/job/job-directory.ts';
import { expiryMs, FakeIsolate } from './fake-isolate.ts';
import { calmHash, calmVideo, type FakeCommand, type FakeJob, inObject, videoHash } from './fake-job.ts';

vi.spyOn(console, 'error').mockImplementation(() => undefined);

const pause: Command = { kind: 'pause' };
const resume: Command = { kind: 'resume' };
const cancel: Command = { kind: 'cancel' };

/** A job that its owner tells something while it computes the second pass of a frame. */
async function toldDuring(
  job: FakeJob,
  isolate: FakeIsolate,
  frame: number,
  commands: readonly FakeCommand[],
): Promise<void> {
  let isTold = false;
  let passes = 0;
  isolate.backend.faults.beforePass = async (index) => {
    if (index !== frame || isTold || ++passes < 2) return;
    isTold = true;
    for (const command of commands) await job.command(isolate, command);
  };
  await job.create(isolate);
  await job.wake(isolate);
}

describe('pause', () => {
  it('stops before the next frame and computes nothing more until resume, which gives the same bytes', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await job.create(isolate);
      await job.wake(isolate);
      await job.command(isolate, pause);
      await job.run(isolate);
      expect(job.record).toMatchObject({ status: 'paused', cursor: 4, expiresAt: isolate.now + expiryMs });
      const { passes } = isolate.backend;
      for (let i = 0; i < 3; i++) await job.wake(isolate);
      expect(isolate.backend.passes).toBe(passes);
      await job.command(isolate, resume);
      expect(job.record).toMatchObject({ status: 'queued', cursor: 4, expiresAt: null });
      await job.run(isolate);
      expect(await job.videoHash()).toBe(await calmHash());
    }));

  it('before the first frame computes nothing', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await job.create(isolate);
      await job.command(isolate, pause);
      await job.run(isolate);
      expect(job.record).toMatchObject({ status: 'paused', cursor: 0 });
      expect(isolate.backend.passes).toBe(0);
    }));

  it('keeps what is revealed of a frame', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(0.4);
      await job.create(isolate);
      await job.wake(isolate);
      await job.command(isolate, pause);
      await job.run(isolate);
      expect(job.store.partial()).toMatchObject({ index: 0, decodeSteps: 1 });
      await job.command(isolate, resume);
      await job.run(isolate);
      expect(await job.videoHash()).toBe(await calmHash());
    }));

  it('drops the frame that is being computed, and the wake ends', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      await toldDuring(job, isolate, 3, [pause]);
      expect(job.record).toMatchObject({ status: 'paused', cursor: 3 });
      expect(isolate.backend.begun).toEqual([0, 1, 2, 3]);
      expect(isolate.backend.tryAcquire()).toBeDefined();
    }));

  it('and resume while a frame is computed make the same video, in another wake', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      await toldDuring(job, isolate, 3, [pause, resume]);
      expect(job.record).toMatchObject({ status: 'queued', cursor: 3, attempts: 0 });
      expect(job.alarm).toBe(isolate.now);
      await job.run(isolate);
      expect(job.record.status).toBe('completed');
      expect(await job.videoHash()).toBe(await calmHash());
    }));
});

describe('cancel', () => {
  it('keeps the frames and makes no more', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await job.create(isolate);
      await job.wake(isolate);
      await job.command(isolate, cancel);
      await job.run(isolate);
      expect(job.record).toMatchObject({ status: 'cancelled', cursor: 4, completedAt: isolate.now });
      const { frames } = await calmVideo();
      expect(await job.videoHash()).toBe(await videoHash(frames.slice(0, 4)));
    }));

  it('of a paused job ends it', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await job.create(isolate);
      await job.command(isolate, pause);
      await job.command(isolate, cancel);
      expect(job.record.status).toBe('cancelled');
    }));

  it('while a frame is computed drops that frame', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      await toldDuring(job, isolate, 3, [cancel]);
      expect(job.record).toMatchObject({ status: 'cancelled', cursor: 3 });
      expect(job.frames().length).toBe(3);
      expect(job.store.partial()).toBeNull();
    }));

  it('and extend while the old frame is still computed: the stale frame is not committed', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      const labels = [{ from: 3, label: 'run' }];
      await toldDuring(job, isolate, 3, [cancel, { kind: 'extend', from: 3, frames: 9, labels }]);
      expect(job.record).toMatchObject({ status: 'queued', cursor: 3, hold: 1 });
      await job.run(isolate);
      expect(job.record).toMatchObject({ status: 'completed', cursor: 9 });
      expect(await job.videoHash()).toBe(await calmHash({ labels }));
      expect(await job.videoHash()).not.toBe(await calmHash());
    }));
});

describe('commands', () => {
  it('that come again are harmless', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await job.create(isolate);
      for (const command of [pause, resume, cancel]) {
        await job.command(isolate, command);
        const once = job.record;
        isolate.now += 10;
        expect(await job.command(isolate, command)).toMatchObject({ status: once.status });
        expect(job.record).toEqual(once);
      }
    }));

  it('to a finished video are refused as job_terminal, but for the one that ended it', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      await job.create(isolate);
      await job.run(isolate);
      const finished = job.record;
      for (const command of [pause, resume, cancel])
        expect(await job.command(isolate, command)).toBe('job_terminal');
      expect(job.record).toEqual(finished);
    }));

  it('to a job that failed or was cancelled are refused as job_terminal', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      await job.create(isolate);
      await job.command(isolate, cancel);
      expect(await job.command(isolate, pause)).toBe('job_terminal');
      expect(await job.command(isolate, resume)).toBe('job_terminal');
      await job.command(isolate, { kind: 'extend', from: 0, frames: 2 });
      isolate.backend.faults.build = null;
      await job.run(isolate);
      expect(job.record.status).toBe('failed');
      for (const command of [pause, resume, cancel])
        expect(await job.command(isolate, command)).toBe('job_terminal');
    }));

  it('to no job and to a removed one find nothing', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      expect(await job.command(isolate, pause)).toBeNull();
      await job.create(isolate);
      expect(await (await job.in(isolate)).remove(localAccount)).toBe(true);
      expect(await job.command(isolate, pause)).toBeNull();
      expect(await (await job.in(isolate)).remove(localAccount)).toBe(false);
    }));
});

describe('a video that is removed while a frame is computed', () => {
  it('writes nothing more and leaves nothing', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      isolate.backend.faults.beforeFrame = async (index) => {
        if (index === 3) await (await job.in(isolate)).remove(localAccount);
      };
      await job.create(isolate);
      await job.wake(isolate);
      expect(job.alarm).toBeNull();
      expect(job.store.job()).toBeNull();
      expect(isolate.backend.tryAcquire()).toBeDefined();
      expect(job.account).toMatchObject({ isListed: false });
      expect(job.account.hold(0)).toMatchObject({ captured: 3, isEnded: true });
    }));
});
