import { describe, expect, it, vi } from 'vitest';
import { localAccount } from '../../src/contract/access.ts';
import { encodePng } from '../../src/media/png.ts';
import { FakeIsolate } from './fake-isolate.ts';
import { calmHash, calmVideo, type FakeJob, type FakeOrder, inObject, videoHash } from './fake-job.ts';

vi.spyOn(console, 'error').mockImplementation(() => undefined);

/** A finished video in an isolate that then remembers nothing of it. */
async function finished(job: FakeJob, isolate: FakeIsolate, order: FakeOrder): Promise<void> {
  await job.create(isolate, order);
  await job.run(isolate);
  await job.evict(isolate);
  isolate.backend.begun.length = 0;
}

describe('an extension', () => {
  it('computes the new frames alone, and gives the bytes of one order of that length', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await finished(job, isolate, { frames: 5 });
      await job.command(isolate, { kind: 'extend', from: 5, frames: 9 });
      expect(job.record).toMatchObject({ status: 'queued', cursor: 5, completedAt: null, expiresAt: null });
      await job.run(isolate);
      expect(isolate.backend.begun).toEqual([5, 6, 7, 8]);
      expect(isolate.backend.replayed).toEqual([]);
      expect(job.record).toMatchObject({ status: 'completed', spec: { legs: [{ from: 0, seed: 7 }] } });
      expect(await job.videoHash()).toBe(await calmHash());
    }));

  it('of an extension goes on likewise', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await finished(job, isolate, { frames: 1 });
      for (const from of [1, 2, 4]) {
        await job.command(isolate, { kind: 'extend', from, frames: from === 4 ? 9 : 2 * from });
        await job.run(isolate, () => job.evict(isolate));
      }
      expect(job.record).toMatchObject({ status: 'completed', hold: 3 });
      expect(await job.videoHash()).toBe(await calmHash());
    }));

  it('of a cancelled video goes on at its last frame', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await job.create(isolate);
      await job.wake(isolate);
      await job.command(isolate, { kind: 'cancel' });
      await job.run(isolate);
      await job.command(isolate, { kind: 'extend', from: 4, frames: 9 });
      await job.run(isolate);
      expect(isolate.backend.begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
      expect(await job.videoHash()).toBe(await calmHash());
    }));

  it('of a video that was cancelled within a frame begins that frame anew', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(0.4);
      await job.create(isolate);
      for (let wake = 0; wake < 4; wake++) await job.wake(isolate);
      expect(job.store.partial()).toMatchObject({ index: 1 });
      await job.command(isolate, { kind: 'cancel' });
      const labels = [{ from: 1, label: 'run' }];
      await job.command(isolate, { kind: 'extend', from: 1, frames: 4, labels });
      await job.run(isolate);
      expect(await job.videoHash()).toBe(await calmHash({ frames: 4, labels }));
    }));

  it('of a failed video goes on at its last frame, once that can be made', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      isolate.backend.faults.beforeFrame = (index) => {
        if (index === 3) throw new Error('poisoned');
      };
      await finished(job, isolate, {});
      expect(job.record).toMatchObject({ status: 'failed', cursor: 3 });
      isolate.backend.faults.beforeFrame = () => undefined;
      await job.command(isolate, { kind: 'extend', from: 3, frames: 9 });
      expect(job.record.error).toBeNull();
      await job.run(isolate);
      expect(isolate.backend.begun).toEqual([3, 4, 5, 6, 7, 8]);
      expect(await job.videoHash()).toBe(await calmHash());
    }));

  it('of a video that failed without any frame begins it', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      isolate.backend.faults.build = null;
      await finished(job, isolate, {});
      isolate.backend.faults.build = 'build-1';
      await job.command(isolate, { kind: 'extend', from: 0, frames: 9, interval: 2 });
      await job.run(isolate);
      expect(job.record.spec.legs).toEqual([{ from: 0, seed: 7, interval: 2 }]);
      expect(await job.videoHash()).toBe(await calmHash({ legs: [{ from: 0, seed: 7, interval: 2 }] }));
    }));

  it('with new labels and another interval leaves the frames before as they are', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await finished(job, isolate, { frames: 5 });
      const before = await job.videoHash();
      const labels = [{ from: 5, label: 'walk' }];
      await job.command(isolate, { kind: 'extend', from: 5, frames: 9, interval: 3, labels });
      await job.run(isolate, () => job.evict(isolate));
      expect(await videoHash(job.frames().slice(0, 5))).toBe(before);
      const legs = [
        { from: 0, seed: 7, interval: 1 },
        { from: 5, seed: 7, interval: 3 },
      ];
      expect(job.record.spec).toMatchObject({ legs, labels: [{ from: 3, label: 'jump' }, ...labels] });
      expect(await job.videoHash()).toBe(
        await calmHash({ legs, labels: [{ from: 3, label: 'jump' }, ...labels] }),
      );
    }));

  it('that ended before its first frame leaves no trace of its interval once another one is ordered', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await finished(job, isolate, { frames: 5 });
      await job.command(isolate, { kind: 'extend', from: 5, frames: 9, interval: 3 });
      await job.command(isolate, { kind: 'cancel' });
      await job.command(isolate, { kind: 'extend', from: 5, frames: 9, interval: 1 });
      await job.run(isolate);
      expect(job.record.spec.legs).toEqual([{ from: 0, seed: 7, interval: 1 }]);
      expect(await job.videoHash()).toBe(await calmHash());
    }));

  it('of a video with a given first frame keeps to it', () =>
    inObject(async (job) => {
      const firstFrame = encodePng({
        width: 8,
        height: 6,
        channels: 4,
        pixels: new Uint8Array(192).fill(80),
      });
      const isolate = new FakeIsolate(4);
      await finished(job, isolate, { frames: 2, firstFrame });
      await job.command(isolate, { kind: 'extend', from: 2, frames: 6 });
      await job.run(isolate);
      expect(await job.videoHash()).toBe(await calmHash({ frames: 6, firstFrame }));
    }));

  it('of a running or paused video, or from another frame than its last, is refused', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await job.create(isolate);
      await job.wake(isolate);
      expect(await job.command(isolate, { kind: 'extend', from: 4, frames: 20 })).toBe('job_not_finished');
      await job.command(isolate, { kind: 'pause' });
      expect(await job.command(isolate, { kind: 'extend', from: 4, frames: 20 })).toBe('job_not_finished');
      await job.command(isolate, { kind: 'resume' });
      await job.run(isolate);
      for (const from of [4, 8, 10])
        expect(await job.command(isolate, { kind: 'extend', from, frames: 20 })).toBe('job_not_finished');
      expect(job.record).toMatchObject({ status: 'completed', hold: 0, spec: { frames: 9 } });
    }));

  it('under a hold that is too old, or opened before the one that the video goes by, is refused', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      await finished(job, isolate, {});
      const object = await job.in(isolate);
      const price = { frames: 1, frameCredits: 10 };
      const extended = (from: number, hold: number, openedAt = isolate.now) =>
        object.command(localAccount, {
          kind: 'extend',
          from,
          frames: from + 1,
          order: { hold, openedAt, price },
        });
      expect(await extended(9, 1, isolate.now - 30_001)).toBe('too_late');
      expect(await extended(9, 0)).toBe('job_not_finished');
      expect(await extended(9, 4)).toMatchObject({ status: 'queued' });
      await job.run(isolate);
      for (const hold of [1, 4]) expect(await extended(10, hold)).toBe('job_not_finished');
      expect(await extended(10, 5)).toMatchObject({ status: 'queued' });
      for (const hold of [0, 4, 5]) expect(await object.knowsHold(hold)).toBe(true);
      for (const hold of [1, 2, 3, 6]) expect(await object.knowsHold(hold)).toBe(false);
    }));
});

it('a video of one frame can be extended to the same bytes for every chunk size', async () => {
  const { frames } = await calmVideo();
  for (const framesPerWake of [0.3, 1, 2, 5]) {
    await inObject(async (job) => {
      const isolate = new FakeIsolate(framesPerWake);
      await finished(job, isolate, { frames: 1 });
      await job.command(isolate, { kind: 'extend', from: 1, frames: 9 });
      await job.run(isolate, () => job.evict(isolate));
      expect(await job.videoHash()).toBe(await videoHash(frames));
    });
  }
});
