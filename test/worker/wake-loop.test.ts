import { describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/contract/config.ts';
import { decodeOwnPng, encodePng } from '../../src/media/png.ts';
import { FakeIsolate, FakeJob, inObject } from './fake-job.ts';

/** Never returns, as in a process that was killed. */
const killed = () => new Promise<void>(() => undefined);

vi.spyOn(console, 'error').mockImplementation(() => undefined);

/** The video of an uninterrupted run. */
function expectedHash(seed = 7): Promise<string> {
  return inObject(async (storage) => {
    const job = new FakeJob(storage);
    job.create({ seed });
    await job.run(new FakeIsolate(100));
    return job.videoHash();
  });
}

describe('a wake', () => {
  it('writes attempt and dead-man alarm and waits for the disk before any work', () =>
    inObject(async (storage) => {
      const job = new FakeJob(storage);
      const isolate = new FakeIsolate(1);
      let before: string[] = [];
      isolate.backend.faults.beforeFrame = () => {
        before = [...job.journal];
      };
      job.create();
      await job.wake(isolate);
      expect(before).toEqual(['alarm', 'sync after attempt 1']);
    }));

  it('makes as many frames as the cost figure allows, whatever the clock says', () =>
    inObject(async (storage) => {
      const job = new FakeJob(storage);
      const isolate = new FakeIsolate(4);
      isolate.backend.faults.beforeFrame = () => {
        isolate.now += 3_600_000;
      };
      job.create();
      const cursors: (number | undefined)[] = [];
      await job.run(isolate, () => cursors.push(job.store.job()?.cursor));
      expect(cursors).toEqual([4, 8, 9]);
    }));

  it('renews the dead-man alarm with every frame: three frames and two seconds ahead', () =>
    inObject(async (storage) => {
      const job = new FakeJob(storage);
      const isolate = new FakeIsolate(3);
      const ahead: number[] = [];
      isolate.backend.faults.beforeFrame = () => {
        ahead.push((job.alarm ?? 0) - isolate.now);
        isolate.now += 1000;
      };
      job.create();
      await job.wake(isolate);
      expect(ahead).toEqual([5000, 5000, 5000]);
      expect(job.alarm).toBe(isolate.now);
    }));

  it('of a finished job does nothing and leaves no alarm', () =>
    inObject(async (storage) => {
      const job = new FakeJob(storage);
      const isolate = new FakeIsolate(100);
      job.create();
      await job.run(isolate);
      const finished = job.store.job();
      expect(finished).toMatchObject({ status: 'completed', cursor: 9, attempts: 0 });
      await job.wake(isolate);
      expect(job.store.job()).toEqual(finished);
      expect(job.alarm).toBeNull();
    }));
});

describe('a video', () => {
  it('is the same for every chunk size, with the memory dropped at every boundary or kept, for three seeds', async () => {
    for (const seed of [0, 7, 2 ** 53 - 1]) {
      const expected = await expectedHash(seed);
      for (const framesPerWake of [1, 2, 3, 5, 8]) {
        for (const evicts of [false, true]) {
          await inObject(async (storage) => {
            const job = new FakeJob(storage);
            const isolate = new FakeIsolate(framesPerWake);
            job.create({ seed });
            await job.run(isolate, () => evicts && isolate.surroundings.pasts.clear());
            expect(await job.videoHash()).toBe(expected);
          });
        }
      }
    }
  });

  it('goes on at the first missing frame after the process was killed in any frame', async () => {
    const expected = await expectedHash();
    for (let frame = 0; frame < 9; frame++) {
      await inObject(async (storage) => {
        const job = new FakeJob(storage);
        const doomed = new FakeIsolate(100);
        doomed.backend.faults.beforeFrame = (index) => (index === frame ? killed() : undefined);
        job.create();
        void job.wake(doomed);
        await vi.waitFor(() => expect(job.store.job()).toMatchObject({ cursor: frame, attempts: 1 }));
        expect(job.alarm).not.toBeNull();
        const made: number[] = [];
        const fresh = new FakeIsolate(100);
        fresh.backend.faults.beforeFrame = (index) => void made.push(index);
        await job.run(fresh);
        expect(made).toEqual(Array.from({ length: 9 - frame }, (_, i) => frame + i));
        expect(await job.videoHash()).toBe(expected);
      });
    }
  });

  it('starts with the given first frame, as it is', () =>
    inObject(async (storage) => {
      const given = {
        width: 8,
        height: 6,
        channels: 4,
        pixels: Uint8Array.from({ length: 192 }, (_, i) => i),
      } as const;
      const job = new FakeJob(storage);
      job.create({}, encodePng(given));
      await job.run(new FakeIsolate(2));
      expect(decodeOwnPng(job.store.frames(0, 1)[0]?.png as Uint8Array)).toEqual(given);
      expect(await job.videoHash()).not.toBe(await expectedHash());
    }));
});

describe('the stored cache', () => {
  it('holds frame 0 and the window, and nothing once the video is finished', () =>
    inObject(async (storage) => {
      const job = new FakeJob(storage);
      const isolate = new FakeIsolate(1);
      job.create();
      const stored: number[][] = [];
      await job.run(isolate, () => stored.push(job.storedKeyValues()));
      // The window of the sample model is 2.
      expect(stored).toEqual([
        [0],
        [0, 1],
        [0, 1, 2],
        [0, 2, 3],
        [0, 3, 4],
        [0, 4, 5],
        [0, 5, 6],
        [0, 6, 7],
        [],
      ]);
    }));

  it('is really read: a flipped byte changes the rest of the video', () =>
    inObject(async (storage) => {
      const job = new FakeJob(storage);
      const isolate = new FakeIsolate(4);
      job.create();
      await job.wake(isolate);
      const { bytes } = storage.sql
        .exec<{ bytes: ArrayBuffer }>("SELECT bytes FROM key_value WHERE frame = 3 AND tensor = 'v'")
        .one();
      new Uint8Array(bytes)[5] = (new Uint8Array(bytes)[5] as number) ^ 1;
      storage.sql.exec("UPDATE key_value SET bytes = ? WHERE frame = 3 AND tensor = 'v'", bytes);
      isolate.surroundings.pasts.clear();
      await job.run(isolate);
      expect(job.store.job()?.status).toBe('completed');
      expect(await job.videoHash()).not.toBe(await expectedHash());
    }));

  it('that lost a row fails the job and keeps its frames', () =>
    inObject(async (storage) => {
      const job = new FakeJob(storage);
      const isolate = new FakeIsolate(4);
      job.create();
      await job.wake(isolate);
      storage.sql.exec('DELETE FROM key_value WHERE frame = 3');
      isolate.surroundings.pasts.clear();
      await job.run(isolate);
      expect(job.store.job()).toMatchObject({
        status: 'failed',
        cursor: 4,
        error: { code: 'generation_failed' },
      });
      expect(job.store.frames(0, 10).length).toBe(4);
    }));

  it('keeps K and V that are larger than a row in pieces', () =>
    inObject(async (storage) => {
      const job = new FakeJob(storage);
      job.create();
      const values = limits.keyValueRowBytes / 4 + 1000;
      const k = Float32Array.from({ length: values }, (_, i) => i);
      const v = k.map((value) => -value);
      const frame = { index: 0, png: new Uint8Array(1), latents: new Float32Array(1), k, v };
      job.store.commit(frame, { now: 0, leaseUntil: 0, window: 2, goesOn: false });
      expect(storage.sql.exec('SELECT * FROM key_value').toArray().length).toBe(4);
      expect(job.store.keyValues(0)).toEqual({ k, v });
    }));
});

describe('a frame that cannot be made', () => {
  it('is tried five times, then the job fails, keeps what it has and falls silent', () =>
    inObject(async (storage) => {
      const job = new FakeJob(storage);
      const isolate = new FakeIsolate(100);
      const tries: number[] = [];
      isolate.backend.faults.beforeFrame = (index) => {
        tries.push(index);
        if (index === 3) throw new Error('poisoned');
      };
      job.create();
      await job.run(isolate);
      expect(tries).toEqual([0, 1, 2, 3, 3, 3, 3, 3]);
      expect(job.store.job()).toMatchObject({
        status: 'failed',
        cursor: 3,
        error: { code: 'generation_failed' },
      });
      expect(job.alarm).toBeNull();
      await job.wake(isolate);
      expect(tries.length).toBe(8);
    }));

  it('is not tried a sixth time after five killed processes', () =>
    inObject(async (storage) => {
      const job = new FakeJob(storage);
      job.create();
      for (let kill = 1; kill <= 5; kill++) {
        const doomed = new FakeIsolate(100);
        doomed.backend.faults.beforeFrame = killed;
        void job.wake(doomed);
        await vi.waitFor(() => expect(job.store.job()?.attempts).toBe(kill));
      }
      const isolate = new FakeIsolate(100);
      isolate.backend.faults.beforeFrame = () => {
        throw new Error('it was tried');
      };
      await job.wake(isolate);
      expect(job.store.job()).toMatchObject({
        status: 'failed',
        attempts: 5,
        error: { code: 'generation_failed' },
      });
      expect(job.alarm).toBeNull();
    }));

  it('starts the count anew when it is made after all', () =>
    inObject(async (storage) => {
      const job = new FakeJob(storage);
      const isolate = new FakeIsolate(100);
      const tries = new Map<number, number>();
      isolate.backend.faults.beforeFrame = (index) => {
        const count = (tries.get(index) ?? 0) + 1;
        tries.set(index, count);
        if (count < limits.attemptsPerFrame) throw new Error('not yet');
      };
      job.create();
      await job.run(isolate);
      expect(job.store.job()?.status).toBe('completed');
      expect(await job.videoHash()).toBe(await expectedHash());
    }));

  it('is tried again after a pause that doubles', () =>
    inObject(async (storage) => {
      const job = new FakeJob(storage);
      const isolate = new FakeIsolate(100);
      isolate.backend.faults.beforeFrame = () => {
        throw new Error('poisoned');
      };
      job.create();
      const pauses: (number | null)[] = [];
      await job.run(isolate, () => pauses.push(job.alarm && job.alarm - isolate.now));
      expect(pauses).toEqual([500, 1000, 2000, 4000, null]);
    }));
});

describe('a model', () => {
  it('of another build than the job began with ends it as model_gone, with its frames', () =>
    inObject(async (storage) => {
      const job = new FakeJob(storage);
      const isolate = new FakeIsolate(4);
      job.create();
      await job.wake(isolate);
      isolate.backend.faults.build = 'build-2';
      await job.run(isolate);
      expect(job.store.job()).toMatchObject({ status: 'failed', cursor: 4, error: { code: 'model_gone' } });
      expect(job.alarm).toBeNull();
    }));

  it('that is not served any more ends the job as model_gone', () =>
    inObject(async (storage) => {
      const job = new FakeJob(storage);
      const isolate = new FakeIsolate(4);
      isolate.backend.faults.build = null;
      job.create();
      await job.run(isolate);
      expect(job.store.job()).toMatchObject({ status: 'failed', error: { code: 'model_gone' } });
    }));

  it('that cannot be read for the moment is tried again', () =>
    inObject(async (storage) => {
      const job = new FakeJob(storage);
      const isolate = new FakeIsolate(100);
      isolate.backend.faults.build = new Error('assets are down');
      job.create();
      await job.wake(isolate);
      expect(job.store.job()).toMatchObject({ status: 'queued', attempts: 1 });
      isolate.backend.faults.build = 'build-1';
      await job.run(isolate);
      expect(job.store.job()?.status).toBe('completed');
    }));
});

describe('where another job computes', () => {
  it('a job comes back by its own alarm, without counting an attempt', () =>
    inObject(async (storage) => {
      const job = new FakeJob(storage);
      const isolate = new FakeIsolate(100);
      const lease = isolate.backend.tryAcquire();
      job.create();
      await job.wake(isolate);
      expect(job.store.job()).toMatchObject({ status: 'queued', attempts: 0 });
      expect(job.alarm).toBe(isolate.now + 100);
      lease?.release();
      await job.run(isolate);
      expect(job.store.job()?.status).toBe('completed');
    }));
});

it('a job that is removed while it computes writes nothing more and sets no alarm', () =>
  inObject(async (storage) => {
    const job = new FakeJob(storage);
    const isolate = new FakeIsolate(100);
    isolate.backend.faults.beforeFrame = async (index) => {
      if (index !== 3) return;
      job.isRemoved = true;
      job.alarm = null;
      await storage.deleteAll();
    };
    job.create();
    await job.wake(isolate);
    expect(job.alarm).toBeNull();
    expect(job.store.job()).toBeNull();
    expect(isolate.backend.tryAcquire()).toBeDefined();
  }));
