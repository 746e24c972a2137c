import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { runtimeMemoryBytes } from '../../src/backend/wasm-runtime.ts';
import { localAccount } from '../../src/contract/access.ts';
import { Manifest } from '../../src/contract/manifest.ts';
import { durableJobDirectory } from '../../src/job/durable-job-directory.ts';
import { client, finished, frameHashes, objectOf, small } from './service.ts';

const count = 20;
const frames = 4;

/** Bytes of all files of a model but its golden vectors. */
async function modelBytes(name: string): Promise<number> {
  const answer = await env.ASSETS.fetch(`http://assets.invalid/${name}/manifest.json`);
  const { files } = Manifest.parse(await answer.json());
  return Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
}

it('twenty videos of one length share the weights and take turns: none waits three times as long as another, none is lost', async () => {
  const directory = durableJobDirectory({ jobs: env.JOBS, accounts: env.ACCOUNTS }, localAccount);
  await finished((await client.create({ ...small, frames: 1 })).id);
  const memoryBytes = runtimeMemoryBytes();
  expect(memoryBytes).toBeGreaterThan(0);
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
  expect(runtimeMemoryBytes() - memoryBytes).toBeLessThan(await modelBytes('nano'));
  const jobs = await Promise.all(videos.map(({ id }) => directory.find(id)));
  const milliseconds = jobs.map((job) => (job?.completedAt ?? Number.NaN) - (job?.createdAt ?? Number.NaN));
  expect(Math.max(...milliseconds)).toBeLessThan(3 * Math.min(...milliseconds));
  const [first, ...others] = await Promise.all(now.map(frameHashes));
  expect(first?.length).toBe(frames);
  for (const hashes of others) expect(hashes).toEqual(first);
});
