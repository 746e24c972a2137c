import { describe, expect, it, vi } from 'vitest';
import { localAccount } from '../../src/contract/access.ts';
import { decodeOwnPng, encodePng } from '../../src/media/png.ts';
import { eventually } from '../eventually.ts';
import { expiryMs, FakeIsolate } from './fake-isolate.ts';
import { calmHash, type FakeJob, inObject } from './fake-job.ts';

/** Never returns, as in a process that was killed. */
const killed = () => new Promise<void>(() => undefined);

vi.spyOn(console, 'error').mockImplementation(() => undefined);

describe('a wake', () => {
  it('writes attempt and dead-man alarm and waits for the disk before any work', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(1);
      const attempts: number[] = [];
      let before: string[] = [];
      isolate.backend.faults.beforeFrame = () => {
        before = [...job.journal];
      };
      await job.create(isolate);
      job.onSync = () => attempts.push(job.record.attempts);
      job.journal.length = 0;
      await job.wake(isolate);
      expect(before).toEqual(['alarm', 'sync']);
      expect(attempts).toEqual([1]);
    }));

  it('makes as many frames as the cost figure allows, whatever the clock says', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      isolate.backend.faults.beforeFrame = () => {
        isolate.now += 3_600_000;
      };
      await job.create(isolate);
      const cursors: number[] = [];
      await job.run(isolate, () => cursors.push(job.record.cursor));
      expect(cursors).toEqual([4, 8, 9]);
    }));

  it('renews the dead-man alarm with every frame: three frames and two seconds ahead', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(3);
      const ahead: number[] = [];
      isolate.backend.faults.beforeFrame = () => {
        ahead.push((job.alarm ?? 0) - isolate.now);
        isolate.now += 1000;
      };
      await job.create(isolate);
      await job.wake(isolate);
      expect(ahead).toEqual([5000, 5000, 5000]);
      expect(job.alarm).toBe(isolate.now);
    }));

  it('of a finished video does nothing and leaves the alarm at its expiry', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      await job.create(isolate);
      await job.run(isolate);
      const finished = job.record;
      expect(finished).toMatchObject({ status: 'completed', cursor: 9, attempts: 0 });
      await job.wake(isolate);
      expect(job.record).toEqual(finished);
      expect(job.alarm).toBe(isolate.now + expiryMs);
    }));

  it('of a job whose object was made anew comes at once, not at the end of its lease', () =>
    inObject(async (job) => {
      const doomed = new FakeIsolate(100);
      doomed.backend.faults.beforeFrame = (index) => (index === 2 ? killed() : undefined);
      await job.create(doomed);
      void job.wake(doomed);
      await eventually(() => expect(job.record.cursor).toBe(2));
      expect(job.alarm).toBe(doomed.now + 5000);
      const fresh = new FakeIsolate(100);
      await job.in(fresh);
      expect(job.alarm).toBe(fresh.now);
    }));
});

describe('a job whose alarm was lost', () => {
  const requests: [string, (object: Awaited<ReturnType<FakeJob['in']>>) => Promise<unknown>][] = [
    ['for the job', (object) => object.view(localAccount)],
    ['for frames', (object) => object.frames(localAccount, 0, 1)],
    ['for news', (object) => object.news(localAccount, 0, null, 0)],
    ['that changes nothing', (object) => object.command(localAccount, { kind: 'resume' })],
  ];

  it.each(requests)('is woken by a request %s once its wake is overdue, and not before', (_, ask) =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(1);
      await job.create(isolate);
      job.alarm = null;
      const object = await job.in(isolate);
      await ask(object);
      expect(job.alarm).toBeNull();
      isolate.now += 1;
      await ask(object);
      expect(job.alarm).toBe(isolate.now);
      // It is due already: asking again must not put it off.
      isolate.now += 1;
      await ask(object);
      expect(job.alarm).toBe(isolate.now - 1);
    }),
  );
});

describe('a video', () => {
  it('is the same for every chunk size, with the memory dropped at every boundary or kept, for three seeds', async () => {
    for (const seed of [0, 7, 2 ** 53 - 1]) {
      const expected = await calmHash({ seed });
      for (const framesPerWake of [1, 2, 3, 5, 8]) {
        for (const evicts of [false, true]) {
          await inObject(async (job) => {
            const isolate = new FakeIsolate(framesPerWake);
            await job.create(isolate, { seed });
            await job.run(isolate, () => evicts && job.evict(isolate));
            expect(await job.videoHash()).toBe(expected);
          });
        }
      }
    }
  });

  it('goes on at the first missing frame after the process was killed in any frame', async () => {
    const expected = await calmHash();
    for (let frame = 0; frame < 9; frame++) {
      await inObject(async (job) => {
        const doomed = new FakeIsolate(100);
        doomed.backend.faults.beforeFrame = (index) => (index === frame ? killed() : undefined);
        await job.create(doomed);
        void job.wake(doomed);
        await eventually(() => expect(job.record).toMatchObject({ cursor: frame, attempts: 1 }));
        expect(job.alarm).not.toBeNull();
        const fresh = new FakeIsolate(100);
        await job.run(fresh);
        expect(fresh.backend.begun).toEqual(Array.from({ length: 9 - frame }, (_, i) => frame + i));
        expect(await job.videoHash()).toBe(expected);
      });
    }
  });

  it('starts with the given first frame, as it is', () =>
    inObject(async (job) => {
      const pixels = Uint8Array.from({ length: 192 }, (_, i) => i);
      const given = { width: 8, height: 6, channels: 4, pixels } as const;
      const isolate = new FakeIsolate(2);
      await job.create(isolate, { firstFrame: encodePng(given) });
      await job.run(isolate);
      expect(decodeOwnPng(job.store.frames(0, 1)[0]?.png as Uint8Array)).toEqual(given);
      expect(await job.videoHash()).not.toBe(await calmHash());
    }));
});

describe('the stored cache', () => {
  it('holds frame 0 and the window, after the last frame, too, for an extension', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(1);
      await job.create(isolate, { frames: 6 });
      const stored: number[][] = [];
      await job.run(isolate, () => stored.push(job.storedCaches()));
      // The window of the sample model is 2.
      expect(stored).toEqual([[0], [0, 1], [0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 5]]);
    }));

  it('is read, not made anew, where it is whole', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(1);
      await job.create(isolate);
      await job.run(isolate, () => job.evict(isolate));
      expect(isolate.backend.replayed).toEqual([]);
    }));

  it('is really read: a flipped byte changes the rest of the video', () =>
    inObject(async (job) => {
      const { sql } = job.storage;
      const isolate = new FakeIsolate(4);
      await job.create(isolate);
      await job.wake(isolate);
      const { bytes } = sql.exec<{ bytes: ArrayBuffer }>('SELECT bytes FROM key_value WHERE frame = 3').one();
      const flipped = new Uint8Array(bytes);
      flipped[flipped.length - 1] = (flipped.at(-1) as number) ^ 1;
      sql.exec('UPDATE key_value SET bytes = ? WHERE frame = 3', flipped);
      await job.evict(isolate);
      await job.run(isolate);
      expect(job.record.status).toBe('completed');
      expect(await job.videoHash()).not.toBe(await calmHash());
    }));

  it('is made anew from latents where it is lost, to the same video', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await job.create(isolate);
      await job.wake(isolate);
      job.storage.sql.exec('DELETE FROM key_value WHERE frame = 3');
      await job.evict(isolate);
      await job.run(isolate);
      expect(isolate.backend.replayed).toEqual([0, 1, 2, 3]);
      expect(await job.videoHash()).toBe(await calmHash());
    }));

  it('of a size that no frame has fails the job, which keeps its frames', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await job.create(isolate);
      await job.wake(isolate);
      job.storage.sql.exec('UPDATE key_value SET bytes = zeroblob(9) WHERE frame = 3');
      await job.evict(isolate);
      await job.run(isolate);
      expect(job.record).toMatchObject({ status: 'failed', cursor: 4, error: { code: 'generation_failed' } });
      expect(job.frames().length).toBe(4);
    }));

  it('is kept in pieces where it is larger than a row', () =>
    inObject(async (job) => {
      await job.create(new FakeIsolate(1));
      const cache = Uint8Array.from({ length: 2 * 1024 * 1024 + 1000 }, (_, i) => i % 251);
      job.store.write({ job: {}, caches: [{ index: 0, cache }] });
      expect(job.storage.sql.exec('SELECT * FROM key_value').toArray().length).toBe(3);
      expect(job.store.cache(0)).toEqual(cache);
    }));
});

describe('a job that waits while another one computes', () => {
  /** A job that finds the backend taken, which is free again after some sleeping. */
  const waiting = (sleeps: number, test: (job: FakeJob, isolate: FakeIsolate) => Promise<void>) =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      const lease = isolate.backend.tryAcquire();
      let slept = 0;
      isolate.onSleep = () => {
        slept += 1;
        if (slept === sleeps) lease?.release();
      };
      await job.create(isolate);
      await test(job, isolate);
    });

  it('waits inside its wake, and computes when the other one is done', () =>
    waiting(3, async (job, isolate) => {
      await job.wake(isolate);
      expect(job.record).toMatchObject({ status: 'completed', cursor: 9 });
    }));

  it('ends its wake after ten seconds and begins another at once, without counting an attempt', () =>
    waiting(Number.POSITIVE_INFINITY, async (job, isolate) => {
      const before = isolate.now;
      await job.wake(isolate);
      expect(isolate.now - before).toBeGreaterThanOrEqual(10_000);
      expect(isolate.now - before).toBeLessThan(11_000);
      expect(job.record).toMatchObject({ status: 'queued', attempts: 0 });
      expect(job.alarm).toBe(isolate.now);
    }));

  it('writes nothing while it waits', () =>
    waiting(50, async (job, isolate) => {
      const writes: string[] = [];
      let whileWaiting: string[] | undefined;
      job.onStatement = (query) => {
        if (!query.startsWith('SELECT')) writes.push(query);
      };
      job.onSync = () => {
        whileWaiting ??= [...writes];
      };
      await job.wake(isolate);
      expect(job.record.status).toBe('completed');
      // The lease of the waiting, and the attempt with its own.
      expect(whileWaiting?.length).toBe(2);
    }));

  it('leaves the queue with a command, so that nobody waits behind it', () =>
    waiting(Number.POSITIVE_INFINITY, async (job, isolate) => {
      isolate.onSleep = () => void job.command(isolate, { kind: 'pause' });
      await job.wake(isolate);
      expect(job.record.status).toBe('paused');
      expect(isolate.surroundings.turns.isNext('another', isolate.now)).toBe(true);
    }));
});
