import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { localAccount } from '../../src/contract/access.ts';
import { durableJobDirectory, jobStub, publicId } from '../../src/job/durable-job-directory.ts';
import type { NewJob } from '../../src/job/job-directory.ts';
import { eventually } from '../eventually.ts';
import { sampleSpec } from './fake-job.ts';

vi.spyOn(console, 'error').mockImplementation(() => undefined);

const namespaces = { jobs: env.JOBS, accounts: env.ACCOUNTS };
const directory = durableJobDirectory(namespaces, localAccount);
const account = env.ACCOUNTS.get(env.ACCOUNTS.idFromName(localAccount));
// No such model is served: it fails at once.
const job: NewJob = {
  spec: sampleSpec,
  build: 'build-1',
  frameMultiplyAdds: 1000,
  firstFrameMultiplyAdds: 1000,
  frameCredits: 10,
  firstFrame: null,
  source: null,
};

const price = { frames: 9, frameCredits: 10 };

const everyId = async () => (await account.page({ after: null, limit: 1000, order: 'asc' }))?.jobIds ?? [];

/** Holds without a job, as crashes between hold and creation leave them. */
async function leaveVacant(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => publicId(env.JOBS.newUniqueId()));
  for (const id of ids) expect(await account.open(id, price)).toMatchObject({ hold: 0 });
  return ids;
}

/** A minute passes for the account, and its alarm comes. */
async function sweep(): Promise<void> {
  await runInDurableObject(account, (_, { storage }) => {
    storage.sql.exec('UPDATE hold SET opened_at = opened_at - 60000 WHERE is_confirmed = 0');
  });
  await runDurableObjectAlarm(account);
}

/** A directory whose orders are overtaken between the hold and the job. */
function overtaken(by: () => Promise<unknown>) {
  return durableJobDirectory(namespaces, localAccount, async (point) => {
    if (point === 'hold-opened') await by();
  });
}

/** The job once it is finished and the account has heard of it. */
async function settled(id: string): Promise<void> {
  await eventually(async () => expect(await account.hold(id, 0)).toMatchObject({ isEnded: true }));
}

describe('the directory of jobs', () => {
  it('forgets an order that could not be created after a minute, not before', async () => {
    const before = await everyId();
    await expect(directory.create({ ...job, frameMultiplyAdds: Number.NaN })).rejects.toThrow('NOT NULL');
    await runDurableObjectAlarm(account);
    const [vacant] = (await everyId()).filter((id) => !before.includes(id)) as [string];
    expect(await account.hold(vacant, 0)).toMatchObject({ isConfirmed: false, isEnded: false });
    await sweep();
    expect(await everyId()).toEqual(before);
    expect(await account.hold(vacant, 0)).toMatchObject({ captured: 0, isEnded: true });
    expect(await directory.find(vacant)).toBeNull();
  });

  it('lists past entries without a job, however many, with whole pages', async () => {
    const first = await directory.create(job);
    await leaveVacant(5);
    const second = await directory.create(job);
    const third = await directory.create(job);
    await leaveVacant(3);
    const list = async (after: string | null, order: 'asc' | 'desc') => {
      const page = await directory.list({ after, limit: 2, order });
      return { ids: page?.jobs.map(({ id }) => id), hasMore: page?.hasMore };
    };
    expect((await list(null, 'desc')).ids).toEqual([third.id, second.id]);
    expect((await list(second.id, 'desc')).ids?.[0]).toBe(first.id);
    expect((await list(first.id, 'asc')).ids).toEqual([second.id, third.id]);
    expect(await list(second.id, 'asc')).toEqual({ ids: [third.id], hasMore: false });
    expect(await list(third.id, 'asc')).toEqual({ ids: [], hasMore: false });
    expect(await list('video_99', 'asc')).toEqual({ ids: undefined, hasMore: undefined });
    await sweep();
  });

  it('keeps the hold of a job that is there, however late the account asks', async () => {
    const { id } = await directory.create(job);
    await settled(id);
    await runInDurableObject(account, (_, { storage }) => {
      // Without a price, so that it can end a second time.
      storage.sql.exec('UPDATE hold SET is_confirmed = 0, is_ended = 0, frames = 0 WHERE job = ?', id);
    });
    await leaveVacant(1);
    await sweep();
    expect(await account.hold(id, 0)).toMatchObject({ isConfirmed: true, isEnded: false });
    await account.settle(id, { settlements: [{ hold: 0, captured: 0, isFinal: true }], isGone: false });
  });

  it('does not begin a job under a hold that the account may have given up', async () => {
    const objectId = env.JOBS.newUniqueId();
    const order = { hold: 0, openedAt: Date.now() - 30_001, price };
    const late = env.JOBS.get(objectId).create({ ...job, account: localAccount }, order);
    expect(await late).toBe('too_late');
    expect(await directory.find(publicId(objectId))).toBeNull();
  });
});

describe('the limit of unfinished videos', () => {
  it('refuses one more, with concurrency_limit, until one is finished', async () => {
    const { id } = await directory.create(job);
    await settled(id);
    const open = publicId(env.JOBS.newUniqueId());
    await account.open(open, price);
    while (!('refused' in (await account.open(publicId(env.JOBS.newUniqueId()), price))));
    await expect(directory.create(job)).rejects.toMatchObject({ code: 'concurrency_limit', status: 429 });
    const from = (await directory.find(id))?.committedFrames ?? 0;
    const extend = { kind: 'extend', from, frames: from + 1, frameCredits: 10 } as const;
    await expect(directory.command(id, extend)).rejects.toMatchObject({ code: 'concurrency_limit' });
    await account.settle(open, {
      settlements: [{ hold: 0, captured: 0, isFinal: true }],
      isGone: true,
    });
    const next = await directory.create(job);
    await settled(next.id);
    expect(await directory.command(id, extend)).toMatchObject({ status: 'queued' });
    await sweep();
  });

  it('counts no extension that was refused', async () => {
    const { id } = await directory.create(job);
    await settled(id);
    const extend = { kind: 'extend', from: 7, frames: 9, frameCredits: 10 } as const;
    await expect(directory.command(id, extend)).rejects.toMatchObject({ code: 'job_not_finished' });
    expect(await account.hold(id, 1)).toBeNull();
  });

  it('counts no extension that another one, or the removal of the video, has overtaken', async () => {
    const { id } = await directory.create(job);
    await settled(id);
    const extend = { kind: 'extend', from: 0, frames: 9, frameCredits: 10 } as const;
    await expect(overtaken(() => directory.command(id, extend)).command(id, extend)).rejects.toMatchObject({
      code: 'job_not_finished',
    });
    expect(await account.hold(id, 1)).toMatchObject({ captured: 0, isEnded: true });
    await eventually(async () => expect(await account.hold(id, 2)).toMatchObject({ isEnded: true }));
    expect(await overtaken(() => directory.remove(id)).command(id, extend)).toBeNull();
    expect(await account.hold(id, 3)).toMatchObject({ captured: 0, isEnded: true });
  });
});

describe('a video that has expired', () => {
  it('answers job_expired to everything but removal, and is not listed', async () => {
    const { id } = await directory.create(job);
    await settled(id);
    const stub = jobStub(env.JOBS, id) as NonNullable<ReturnType<typeof jobStub<never>>>;
    await runInDurableObject(stub, async (_, { storage }) => {
      storage.sql.exec('UPDATE job SET expires_at = 1');
      await storage.setAlarm(Date.now());
    });
    await evictDurableObject(stub);
    await runDurableObjectAlarm(stub);
    await eventually(async () => expect(await everyId()).not.toContain(id));
    const calls = [
      () => directory.find(id),
      () => directory.frames(id, 0, 1),
      () => directory.news(id, 0, null, 0),
      () => directory.command(id, { kind: 'pause' }),
      () => directory.command(id, { kind: 'extend', from: 0, frames: 9, frameCredits: 10 }),
    ];
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({ code: 'job_expired', status: 410 });
    expect(await directory.remove(id)).toBe(true);
    await eventually(async () => expect(await directory.find(id)).toBeNull());
  });
});
