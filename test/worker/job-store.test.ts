import { expect, it, vi } from 'vitest';
import { localAccount } from '../../src/contract/access.ts';
import { FakeIsolate } from './fake-isolate.ts';
import { inObject } from './fake-job.ts';

vi.spyOn(console, 'error').mockImplementation(() => undefined);

it('a job is read from storage when its object comes into memory, and not again', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(4);
    await job.create(isolate);
    await job.wake(isolate);
    const object = await job.evict(isolate);
    const reads: string[] = [];
    job.onStatement = (query) => {
      if (/ FROM (job|sqlite_master|schema_version)\b/.test(query)) reads.push(query);
    };
    for (let ask = 0; ask < 3; ask++)
      expect(await object.view(localAccount)).toMatchObject({ committedFrames: 4 });
    expect(reads).toEqual([]);
  }));

it('what storage refused to write is not believed to be there', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(4);
    await job.create(isolate);
    const object = await job.in(isolate);
    job.onStatement = (query) => {
      if (query.startsWith('UPDATE job')) throw new Error('database or disk is full: SQLITE_FULL');
    };
    await expect(job.command(isolate, { kind: 'cancel' })).rejects.toThrow('full');
    job.onStatement = () => undefined;
    expect(await object.view(localAccount)).toMatchObject({ status: 'queued' });
    expect(job.record).toMatchObject({ status: 'queued', epoch: 0 });
  }));

it('that the account has heard of the end, and when the next wake is, is one write', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(4);
    await job.create(isolate);
    await job.command(isolate, { kind: 'cancel' });
    const writes: string[] = [];
    job.onStatement = (query) => {
      if (query.startsWith('UPDATE job')) writes.push(query);
    };
    await job.wake(isolate);
    expect(writes.length).toBe(1);
    expect(job.account.hold(0)).toMatchObject({ isEnded: true });
    expect(job.alarm).toBe(job.record.expiresAt);
  }));
