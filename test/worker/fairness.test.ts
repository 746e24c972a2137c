import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { durableJobDirectory } from '../../src/job/durable-job-directory.ts';
import { client, frameHashes, objectOf, small } from './service.ts';

const count = 20;
const frames = 4;

it('twenty videos of one length take turns: none waits three times as long as another, none is lost', async () => {
  const directory = durableJobDirectory(env.JOBS, env.ACCOUNTS);
  const videos = await Promise.all(Array.from({ length: count }, () => client.create({ ...small, frames })));
  const look = () => Promise.all(videos.map(({ id }) => client.retrieve(id)));
  let evicted: string | undefined;
  let now = await look();
  while (!now.every(({ status }) => status === 'completed' || status === 'failed')) {
    const computing = now.find(
      (video) => video.status === 'in_progress' && video.frames.committed < frames / 2,
    );
    if (evicted === undefined && computing !== undefined) {
      evicted = computing.id;
      await evictDurableObject(objectOf(evicted));
    }
    await scheduler.wait(100);
    now = await look();
  }
  expect(evicted).toBeDefined();
  const jobs = await Promise.all(videos.map(({ id }) => directory.find(id)));
  const milliseconds = jobs.map((job) => (job?.completedAt ?? Number.NaN) - (job?.createdAt ?? Number.NaN));
  expect(Math.max(...milliseconds)).toBeLessThan(3 * Math.min(...milliseconds));
  const [first, ...others] = await Promise.all(now.map(frameHashes));
  expect(first?.length).toBe(frames);
  for (const hashes of others) expect(hashes).toEqual(first);
});
