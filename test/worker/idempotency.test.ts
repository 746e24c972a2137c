import { evictDurableObject, runInDurableObject, SELF } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import type { Ticket } from '../../src/billing/claims.ts';
import { localAccount } from '../../src/contract/access.ts';
import { Video } from '../../src/contract/job.ts';
import type { CrashPoint } from '../../src/job/crash-point.ts';
import { durableJobDirectory } from '../../src/job/durable-job-directory.ts';
import type { JobDirectory, NewJob } from '../../src/job/job-directory.ts';
import { eventually } from '../eventually.ts';
import { authorized } from '../service-key.ts';
import { sampleSpec } from './fake-job.ts';
import { client, finished, pause, small } from './service.ts';

vi.spyOn(console, 'error').mockImplementation(() => undefined);

const namespaces = { jobs: env.JOBS, accounts: env.ACCOUNTS };
const accountOf = (name: string) => env.ACCOUNTS.get(env.ACCOUNTS.idFromName(name));
const account = accountOf(localAccount);

/** Posts until there is another answer than that the order is being carried out. */
async function posted(path: string, body: unknown, headers: Record<string, string>): Promise<Response> {
  for (;;) {
    const answer = await SELF.fetch(`http://service.invalid${path}`, {
      method: 'POST',
      headers: { ...authorized, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    if (answer.status !== 409) return answer;
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await answer.json()).toMatchObject({ error: { code: 'idempotency_in_progress' } });
    await pause();
  }
}

/** A hundred at the same time; the videos that they are answered with. */
async function hundredfold(path: string, body: unknown, key: string): Promise<Video[]> {
  const posts = Array.from({ length: 100 }, () => posted(path, body, { 'idempotency-key': key }));
  return Promise.all((await Promise.all(posts)).map(async (answer) => Video.parse(await answer.json())));
}

interface StoredHold extends Record<string, SqlStorageValue> {
  job: string;
  hold: number;
  frames: number;
  is_ended: number;
}

/** Holds of an account as they stand; only those that are not among others. */
async function holds(of = account, others: readonly StoredHold[] = []): Promise<StoredHold[]> {
  const all = await runInDurableObject(of, (_, { storage }) =>
    storage.sql.exec<StoredHold>('SELECT job, hold, frames, is_ended FROM hold').toArray(),
  );
  return all.filter(({ job, hold }) => !others.some((known) => known.job === job && known.hold === hold));
}

const withoutLinks = ({ links: _, ...video }: Video) => video;

function expectAlike(videos: readonly Video[]): Video {
  for (const video of videos) expect(withoutLinks(video)).toEqual(withoutLinks(videos[0] as Video));
  return videos[0] as Video;
}

describe('a hundred posts of one key at the same time', () => {
  it('make one video under one hold, with identical answers, then and after it is done', async () => {
    const before = await holds();
    const video = expectAlike(await hundredfold('/v1/videos', small, 'hundred'));
    await finished(video.id);
    expectAlike([video, ...(await hundredfold('/v1/videos', small, 'hundred'))]);
    expect((await holds(account, before)).map(({ job }) => job)).toEqual([video.id]);
  });

  it('add frames once, and make one fork', async () => {
    const { id } = await client.create({ ...small, frames: 1 });
    await finished(id);
    const before = await holds();
    const longer = expectAlike(await hundredfold(`/v1/videos/${id}/extend`, { frames: 1 }, 'more'));
    expect(longer.frames.requested).toBe(2);
    await finished(id);
    const fork = expectAlike(
      await hundredfold(`/v1/videos/${id}/fork`, { frame: 0, frames: 2, seed: 9 }, 'fork'),
    );
    await finished(fork.id);
    const since = await holds(account, before);
    expect(since).toHaveLength(2);
    expect(since.find(({ job }) => job === id)).toMatchObject({ hold: 1, frames: 1 });
    expect(since.find(({ job }) => job === fork.id)).toMatchObject({ hold: 0, frames: 1 });
    expect((await client.retrieve(id)).frames).toEqual({ requested: 2, committed: 2 });
  });
});

// No such model is served: it fails at once.
const job: NewJob = {
  ...{ spec: sampleSpec, build: 'build-1', frameMultiplyAdds: 1000, firstFrameMultiplyAdds: 1000 },
  ...{ frameCredits: 10, firstFrame: null, source: null },
};

const ticketOf = (key: string | null, isRepeated = false): Ticket => ({ key, request: 'r', isRepeated });

/** Of an account of its own, so that all that it has is seen. */
function ownDirectory(name: string): JobDirectory {
  return durableJobDirectory(namespaces, name);
}

/** Orders, and dies at a point: the caller is not answered, and the account's memory is lost. */
async function dies(name: string, point: CrashPoint, order: (jobs: JobDirectory) => Promise<unknown>) {
  const dying = durableJobDirectory(namespaces, name, async (reached) => {
    if (reached === point) throw new Error('killed');
  });
  await expect(order(dying)).rejects.toThrow('killed');
  await evictDurableObject(accountOf(name));
}

/** The account believes that so much time has passed since its orders. */
async function later(name: string, milliseconds: number): Promise<void> {
  await runInDurableObject(accountOf(name), (_, { storage }) => {
    storage.sql.exec('UPDATE hold SET opened_at = opened_at - ?', milliseconds);
    storage.sql.exec('UPDATE claim SET claimed_at = claimed_at - ?', milliseconds);
  });
}

async function listed(name: string): Promise<string[]> {
  const page = await ownDirectory(name).list({ after: null, limit: 100, order: 'asc' });
  return page?.jobs.map(({ id }) => id) ?? [];
}

describe('an order that a crash broke off', () => {
  for (const point of ['ordered', 'answer-noted'] as const) {
    it(`at "${point}" is answered with its video`, async () => {
      const name = `dies-${point}`;
      await dies(name, point, (jobs) => jobs.create(job, ticketOf('k')));
      const again = await ownDirectory(name).recall(ticketOf('k'));
      expect([again?.id]).toEqual(await listed(name));
      expect(await ownDirectory(name).create(job, ticketOf('k'))).toEqual(again);
      expect(await holds(accountOf(name))).toHaveLength(1);
    });
  }

  it('between the hold and the video is carried out after half a minute, and the first hold is given back', async () => {
    const name = 'dies-between';
    await dies(name, 'hold-opened', (jobs) => jobs.create(job, ticketOf('k')));
    const jobs = ownDirectory(name);
    const inProgress = { code: 'idempotency_in_progress', status: 409 };
    await expect(jobs.recall(ticketOf('k'))).rejects.toMatchObject(inProgress);
    await expect(jobs.create(job, ticketOf('k'))).rejects.toMatchObject(inProgress);
    await later(name, 34_000);
    await expect(jobs.recall(ticketOf('k'))).rejects.toMatchObject(inProgress);
    await later(name, 1_000);
    const { id } = await jobs.create(job, ticketOf('k'));
    expect(await listed(name)).toEqual([id]);
    const all = await holds(accountOf(name));
    expect(all.filter(({ job: of }) => of === id)).toHaveLength(1);
    expect(all.filter(({ job: of }) => of !== id)).toMatchObject([{ is_ended: 1 }]);
    expect((await jobs.recall(ticketOf('k')))?.id).toBe(id);
  });

  it('for more frames is answered with the video that has them, and adds no more', async () => {
    const name = 'dies-extending';
    const jobs = ownDirectory(name);
    const { id } = await jobs.create(job);
    await eventually(async () => expect(await accountOf(name).hold(id, 0)).toMatchObject({ isEnded: true }));
    const extend = { kind: 'extend', from: 0, frames: 9, frameCredits: 10 } as const;
    await dies(name, 'ordered', (dying) => dying.command(id, extend, ticketOf('k')));
    const again = await jobs.recall(ticketOf('k'));
    expect(again?.id).toBe(id);
    expect(await jobs.recall(ticketOf('k'))).toEqual(again);
    expect(await holds(accountOf(name))).toHaveLength(2);
  });
});

describe('a key', () => {
  it('is known for a day', async () => {
    const jobs = ownDirectory('a-day');
    const first = await jobs.create(job, ticketOf('k'));
    await later('a-day', 86_390_000);
    expect((await jobs.create(job, ticketOf('k'))).id).toBe(first.id);
    await later('a-day', 11_000);
    expect(await jobs.recall(ticketOf('k'))).toBeNull();
    expect((await jobs.create(job, ticketOf('k'))).id).not.toBe(first.id);
  });

  it('is of one account', async () => {
    const first = await ownDirectory('tenant-1').create(job, ticketOf('k'));
    const second = await ownDirectory('tenant-2').create(job, ticketOf('k'));
    expect(second.id).not.toBe(first.id);
    expect((await ownDirectory('tenant-1').recall(ticketOf('k')))?.id).toBe(first.id);
  });

  it('with another request is refused', async () => {
    const jobs = ownDirectory('reusing');
    await jobs.create(job, ticketOf('k'));
    const other = { ...ticketOf('k'), request: 'other' };
    for (const asked of [() => jobs.recall(other), () => jobs.create(job, other)])
      await expect(asked()).rejects.toMatchObject({ code: 'idempotency_reused', status: 422 });
  });

  it('of a video that was removed makes no other one, and says so where nobody had been answered', async () => {
    const jobs = ownDirectory('removing');
    const first = await jobs.create(job, ticketOf('answered'));
    await dies('removing', 'ordered', (dying) => dying.create(job, ticketOf('unanswered')));
    for (const id of await listed('removing')) await jobs.remove(id);
    await eventually(async () => expect(await listed('removing')).toEqual([]));
    expect((await jobs.recall(ticketOf('answered')))?.id).toBe(first.id);
    await eventually(() =>
      expect(jobs.recall(ticketOf('unanswered'))).rejects.toMatchObject({ code: 'job_not_found' }),
    );
  });
});

describe('an order without a key that is sent again', () => {
  it('within ten minutes is answered with its video as it is, later with another one', async () => {
    const jobs = ownDirectory('keyless');
    const first = await jobs.create(job, ticketOf(null));
    await eventually(async () => expect((await jobs.find(first.id))?.status).toBe('failed'));
    await later('keyless', 590_000);
    const again = await jobs.create(job, ticketOf(null, true));
    expect([again.id, again.status]).toEqual([first.id, 'failed']);
    await later('keyless', 11_000);
    expect((await jobs.create(job, ticketOf(null, true))).id).not.toBe(first.id);
  });

  it('after its video was removed makes another one', async () => {
    const jobs = ownDirectory('keyless-removed');
    const first = await jobs.create(job, ticketOf(null));
    await jobs.remove(first.id);
    await eventually(async () => expect(await listed('keyless-removed')).toEqual([]));
    await eventually(async () => expect(await jobs.recall(ticketOf(null, true))).toBeNull());
    expect((await jobs.create(job, ticketOf(null, true))).id).not.toBe(first.id);
  });
});
