import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { localAccount } from '../../src/job/account-object.ts';
import { durableJobDirectory } from '../../src/job/job-directory.ts';
import type { NewJob } from '../../src/job/job-object.ts';
import { sampleSpec } from './fake-job.ts';

const directory = durableJobDirectory(env.JOBS, env.ACCOUNTS);
const account = env.ACCOUNTS.get(env.ACCOUNTS.idFromName(localAccount));
const job: NewJob = { spec: sampleSpec, build: 'build-1', frameMultiplyAdds: 1000, firstFrame: null };

const everyId = async () => (await account.page({ after: null, limit: 1000, order: 'asc' }))?.jobIds ?? [];

/** Entries without a job, as crashes between entry and creation leave them. */
async function leaveVacant(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await account.add(`video_${env.JOBS.newUniqueId()}`);
}

describe('the directory of jobs', () => {
  it('keeps no entry of a job that could not be created', async () => {
    const before = await everyId();
    await expect(directory.create({ ...job, frameMultiplyAdds: Number.NaN })).rejects.toThrow('NOT NULL');
    expect(await everyId()).toEqual(before);
  });

  it('lists past entries without a job, however many, with whole pages', async () => {
    const first = await directory.create(job);
    await leaveVacant(5);
    const second = await directory.create(job);
    const third = await directory.create(job);
    await leaveVacant(3);
    const list = async (after: string | null) => {
      const page = await directory.list({ after, limit: 2, order: 'desc' });
      return { ids: page?.jobs.map(({ id }) => id), hasMore: page?.hasMore };
    };
    expect(await list(null)).toEqual({ ids: [third.id, second.id], hasMore: true });
    expect(await list(second.id)).toEqual({ ids: [first.id], hasMore: false });
    expect(await list(first.id)).toEqual({ ids: [], hasMore: false });
    expect(await list('video_99')).toEqual({ ids: undefined, hasMore: undefined });
  });
});
