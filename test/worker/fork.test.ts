import { describe, expect, it, vi } from 'vitest';
import type { FrameCommit } from '../../src/job/job-record.ts';
import { encodePng } from '../../src/media/png.ts';
import { eventually } from '../eventually.ts';
import { FakeIsolate } from './fake-isolate.ts';
import { calmHash, calmVideo, type FakeJob, type FakeOrder, inObject, videoHash } from './fake-job.ts';

vi.spyOn(console, 'error').mockImplementation(() => undefined);

const firstLeg = { from: 0, seed: 7, interval: 1 };

/** An order that shares frames with the video of the sample's seed and goes on with another one. */
function forkOrder(sharedFrames: number, seed = 8): FakeOrder {
  const legs = [firstLeg, { from: sharedFrames, seed, interval: 2 }];
  return { legs, source: { id: 'video_source', frames: sharedFrames } };
}

async function forked(
  job: FakeJob,
  isolate: FakeIsolate,
  frames: readonly FrameCommit[],
  order: FakeOrder,
): Promise<void> {
  job.sources.set('video_source', frames);
  await job.create(isolate, order);
}

describe('a fork', () => {
  it('has the frames of its source, which nobody computes, and goes on with its own seed and labels', async () => {
    const { frames } = await calmVideo();
    for (const shared of [1, 3, 8]) {
      await inObject(async (job) => {
        const isolate = new FakeIsolate(4);
        const labels = [{ from: shared, label: 'run' }];
        const order = {
          ...forkOrder(shared),
          labels: shared > 3 ? [{ from: 3, label: 'jump' }, ...labels] : labels,
        };
        await forked(job, isolate, frames, order);
        await job.run(isolate);
        expect(isolate.backend.begun).toEqual(Array.from({ length: 9 - shared }, (_, i) => shared + i));
        expect(job.record).toMatchObject({
          status: 'completed',
          source: { id: 'video_source', frames: shared },
        });
        expect(await videoHash(job.frames().slice(0, shared))).toBe(await videoHash(frames.slice(0, shared)));
        const { legs, labels: schedule } = order;
        expect(await job.videoHash()).toBe(await calmHash({ ...(legs && { legs }), labels: schedule }));
        expect(await job.videoHash()).not.toBe(await calmHash());
      });
    }
  });

  it('with the seed and the labels of its source gives the bytes of its source, evicted at every boundary', async () => {
    const { frames } = await calmVideo({ frames: 12 });
    for (const framesPerWake of [0.4, 1, 5]) {
      await inObject(async (job) => {
        const isolate = new FakeIsolate(framesPerWake);
        await forked(job, isolate, frames, {
          frames: 12,
          legs: [firstLeg],
          source: { id: 'video_source', frames: 7 },
        });
        await job.run(isolate, () => job.evict(isolate));
        expect(await job.videoHash()).toBe(await videoHash(frames));
      });
    }
  });

  it('of a video with a given first frame has that frame', async () => {
    const firstFrame = encodePng({ width: 8, height: 6, channels: 4, pixels: new Uint8Array(192).fill(80) });
    const { frames } = await calmVideo({ firstFrame });
    await inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await forked(job, isolate, frames, { source: { id: 'video_source', frames: 1 } });
      await job.run(isolate);
      expect(await job.videoHash()).toBe(await videoHash(frames));
    });
  });
});

describe('the past of a fork', () => {
  const order = { frames: 12, ...forkOrder(9) };
  // The window of the sample model is 2, and it has 2 layers: frame 9 depends on four frames and frame 0.
  const past = [0, 5, 6, 7, 8];
  const passesPerFrame = 3;

  const withSource = async (
    test: (job: FakeJob, isolate: FakeIsolate) => Promise<void>,
    framesPerWake = 0.4,
  ) => {
    const { frames } = await calmVideo({ frames: 12 });
    await inObject(async (job) => {
      const isolate = new FakeIsolate(framesPerWake);
      await forked(job, isolate, frames, order);
      await test(job, isolate);
    });
  };
  const expected = () => calmHash({ frames: 12, legs: order.legs ?? [] });

  it.each([1, 2, 3, 4, 7, 100])(
    'is made once, no wake making more than its %i passes, evicted at every boundary',
    (passes) =>
      withSource(
        async (job, isolate) => {
          let before = 0;
          await job.run(isolate, () => {
            const { backend } = isolate;
            const made = backend.passes + backend.replayed.length;
            expect(made - before).toBeLessThanOrEqual(Math.max(passes, 1));
            before = made;
            return job.evict(isolate);
          });
          expect(isolate.backend.replayed).toEqual(past);
          expect(job.record).toMatchObject({ status: 'completed', pastCursor: 12 });
          expect(await job.videoHash()).toBe(await expected());
        },
        (passes + 0.1) / passesPerFrame,
      ),
  );

  it('is stored like the window of any video', () =>
    withSource(async (job, isolate) => {
      await job.wake(isolate);
      const stored: number[][] = [];
      while (job.record.pastCursor < 9) {
        await job.wake(isolate);
        stored.push(job.storedCaches());
      }
      expect(stored).toEqual([[0], [0, 5], [0, 5, 6], [0, 6, 7], [0, 7, 8]]);
    }));

  it('goes on where it was after the process was killed in any pass of it', async () => {
    for (const frame of past) {
      await withSource(async (job, doomed) => {
        doomed.backend.faults.beforeReplay = (index) =>
          index === frame ? new Promise<void>(() => undefined) : undefined;
        await job.wake(doomed);
        for (const before of past.filter((index) => index < frame)) {
          await job.wake(doomed);
          expect(job.record.pastCursor).toBe(before + 1);
        }
        void job.wake(doomed);
        await eventually(() => expect(job.record.attempts).toBe(1));
        const fresh = new FakeIsolate(0.4);
        await job.run(fresh);
        expect(fresh.backend.replayed).toEqual(past.filter((index) => index >= frame));
        expect(await job.videoHash()).toBe(await expected());
      });
    }
  });

  it('that cannot be made ends the video after five attempts, and what was shared stays', () =>
    withSource(async (job, isolate) => {
      isolate.backend.faults.beforeReplay = (index) => {
        if (index === 6) throw new Error('poisoned');
      };
      await job.run(isolate);
      expect(job.record).toMatchObject({ status: 'failed', cursor: 9, error: { code: 'generation_failed' } });
      expect(isolate.backend.replayed).toEqual([0, 5, 6, 6, 6, 6, 6]);
    }));

  it('is kept over pause, cancellation and extension in the midst of it', () =>
    withSource(async (job, isolate) => {
      for (let wake = 0; wake < 3; wake++) await job.wake(isolate);
      expect(job.record).toMatchObject({ cursor: 9, pastCursor: 6 });
      await job.command(isolate, { kind: 'pause' });
      await job.run(isolate);
      await job.command(isolate, { kind: 'resume' });
      await job.wake(isolate);
      await job.command(isolate, { kind: 'cancel' });
      await job.run(isolate);
      await job.evict(isolate);
      await job.command(isolate, { kind: 'extend', from: 9, frames: 12 });
      await job.run(isolate);
      expect(isolate.backend.replayed).toEqual(past);
      expect(await job.videoHash()).toBe(await expected());
    }));
});

describe('a fork of many frames', () => {
  const many = { frames: 200 };
  let source: Promise<readonly FrameCommit[]> | undefined;
  const sourceFrames = () => {
    source ??= calmVideo(many).then(({ frames }) => frames);
    return source;
  };

  it('copies 64 of them a wake, and survives eviction between', async () => {
    const frames = await sourceFrames();
    await inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      await forked(job, isolate, frames, { ...many, ...forkOrder(150) });
      const cursors: number[] = [];
      await job.run(isolate, () => {
        cursors.push(job.record.cursor);
        return job.evict(isolate);
      });
      // The wake between the last shared and the first own frame makes K and V.
      expect(cursors).toEqual([64, 128, 150, 150, 200]);
      expect(isolate.backend.begun[0]).toBe(150);
      expect(await job.videoHash()).toBe(await calmHash({ ...many, legs: forkOrder(150).legs ?? [] }));
    });
  });

  it('fails as source_gone where its source is removed during the copying, and keeps what it has', async () => {
    const frames = await sourceFrames();
    await inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      await forked(job, isolate, frames, { ...many, ...forkOrder(150) });
      await job.wake(isolate);
      job.sources.clear();
      await job.run(isolate);
      expect(job.record).toMatchObject({ status: 'failed', cursor: 64, error: { code: 'source_gone' } });
      expect(await job.videoHash()).toBe(await videoHash(frames.slice(0, 64)));
      expect(job.account.hold(0)).toMatchObject({ captured: 0, isEnded: true });
    });
  });

  it('is done with its source once all shared frames are copied', async () => {
    const frames = await sourceFrames();
    await inObject(async (job) => {
      const isolate = new FakeIsolate(1);
      await forked(job, isolate, frames, { ...many, frames: 70, ...forkOrder(64) });
      await job.wake(isolate);
      job.sources.clear();
      await job.run(isolate);
      expect(job.record).toMatchObject({ status: 'completed', cursor: 70 });
    });
  });

  it('that was cancelled during the copying makes what is missing itself when it is extended', async () => {
    const frames = await sourceFrames();
    await inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      await forked(job, isolate, frames, { ...many, ...forkOrder(150) });
      await job.wake(isolate);
      await job.command(isolate, { kind: 'cancel' });
      await job.command(isolate, { kind: 'extend', from: 64, frames: 70 });
      await job.run(isolate);
      expect(job.record).toMatchObject({ status: 'completed', cursor: 70, source: { frames: 64 } });
      const legs = [firstLeg, { from: 64, seed: 8, interval: 2 }];
      expect(job.record.spec.legs).toEqual(legs);
      expect(await job.videoHash()).toBe(await calmHash({ frames: 70, legs }));
    });
  });

  it('keeps its own seed where it was cancelled between the last shared and the first own frame', async () => {
    const frames = await sourceFrames();
    await inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      await forked(job, isolate, frames, { ...many, ...forkOrder(64) });
      await job.wake(isolate);
      await job.command(isolate, { kind: 'cancel' });
      await job.command(isolate, { kind: 'extend', from: 64, frames: 66 });
      await job.run(isolate);
      expect(await job.videoHash()).toBe(await calmHash({ frames: 66, legs: forkOrder(64).legs ?? [] }));
    });
  });

  it('tries again where its source does not answer for the moment', async () => {
    const frames = await sourceFrames();
    await inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      await forked(job, isolate, frames, { ...many, ...forkOrder(150) });
      const get = job.sources.get.bind(job.sources);
      let calls = 0;
      job.sources.get = (id) => {
        calls += 1;
        if (calls % 2 === 1) throw new Error('the object is overloaded');
        return get(id);
      };
      await job.run(isolate);
      expect(job.record.status).toBe('completed');
    });
  });
});
