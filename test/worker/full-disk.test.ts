import { describe, expect, it, vi } from 'vitest';
import { FakeIsolate } from './fake-isolate.ts';
import { calmHash, inObject } from './fake-job.ts';

vi.spyOn(console, 'error').mockImplementation(() => undefined);

/** Refuses the statement with this number among those that begin so, as a full disk does. */
function refusal(beginning: string, number: number): (query: string) => void {
  let seen = 0;
  return (query) => {
    if (!query.startsWith(beginning)) return;
    seen += 1;
    if (seen === number) throw new Error('database or disk is full');
  };
}

describe('storage that refuses a write', () => {
  for (const beginning of [
    'UPDATE job',
    'INSERT INTO frame',
    'INSERT INTO key_value',
    'DELETE FROM key_value',
    'INSERT INTO partial',
    'DELETE FROM partial',
    'INSERT INTO settlement',
    'UPDATE settlement',
  ]) {
    it(`"${beginning}", once, costs a wake and no frame: the video is the same`, async () => {
      for (const number of [1, 2, 3]) {
        for (const framesPerWake of [0.4, 3]) {
          await inObject(async (job) => {
            const isolate = new FakeIsolate(framesPerWake);
            await job.create(isolate);
            job.onStatement = refusal(beginning, number);
            let cursor = 0;
            await job.run(isolate, () => {
              expect(job.record.cursor).toBeGreaterThanOrEqual(cursor);
              expect(job.frames().length).toBe(job.record.cursor);
              cursor = job.record.cursor;
            });
            expect(job.record.status).toBe('completed');
            expect(await job.videoHash()).toBe(await calmHash());
          });
        }
      }
    });
  }

  it('keeps the frames, tries again every five seconds, and goes on when there is space', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await job.create(isolate);
      await job.wake(isolate);
      job.onStatement = (query) => {
        if (!query.startsWith('SELECT')) throw new Error('database or disk is full');
      };
      for (let wake = 0; wake < 20; wake++) {
        await job.wake(isolate);
        expect(job.alarm).toBe(isolate.now + 5000);
        isolate.now += 5000;
      }
      expect(job.record).toMatchObject({ status: 'in_progress', cursor: 4 });
      expect(isolate.backend.tryAcquire()?.release()).toBeUndefined();
      job.onStatement = () => undefined;
      await job.run(isolate);
      expect(job.record.status).toBe('completed');
      expect(await job.videoHash()).toBe(await calmHash());
    }));

  it('creates no job in part', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      job.onStatement = refusal('INSERT INTO settlement', 1);
      await expect(job.create(isolate)).rejects.toThrow('full');
      expect(job.store.job()).toBeNull();
      expect(job.alarm).toBeNull();
      await job.create(isolate);
      await job.run(isolate);
      expect(job.record.status).toBe('completed');
    }));
});
