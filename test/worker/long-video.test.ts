import { expect, it } from 'vitest';
import { limits } from '../../src/contract/config.ts';
import { FakeIsolate } from './fake-isolate.ts';
import { type FakeJob, inObject } from './fake-job.ts';

const frames = limits.framesPerJob;

/** Rows that a job has in storage. */
function rows({ storage }: FakeJob, table: string): number {
  return storage.sql.exec<{ count: number }>(`SELECT count(*) AS count FROM ${table}`).one().count;
}

it('a video of 10,000 frames keeps a row a frame and the K and V of a window, grows evenly, and gives its storage back', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(250);
    await job.create(isolate, { frames });
    const bytes: number[] = [job.storage.sql.databaseSize];
    await job.run(isolate, () => {
      const { cursor } = job.record;
      expect(rows(job, 'frame')).toBe(cursor);
      // The window of the sample model is 2; frame 0 stays.
      expect(job.storedCaches()).toEqual([0, cursor - 2, cursor - 1]);
      if (cursor % 2500 === 0) bytes.push(job.storage.sql.databaseSize);
      return cursor % 1000 === 0 && job.evict(isolate);
    });
    expect(job.record).toMatchObject({ status: 'completed', cursor: frames });
    expect(rows(job, 'partial')).toBe(0);
    expect(job.account.hold(0)).toMatchObject({ captured: frames, isEnded: true });
    const growth = bytes.slice(1).map((size, quarter) => size - (bytes[quarter] as number));
    expect(Math.max(...growth) / Math.min(...growth)).toBeLessThan(1.2);

    const full = job.storage.sql.databaseSize;
    isolate.now = job.record.expiresAt as number;
    await job.wake(isolate);
    expect(job.record.status).toBe('expired');
    expect(job.storage.sql.databaseSize).toBeLessThan(full / 100);
  }));
