import { evictDurableObject, listDurableObjectIds, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { workersBackend } from '../../src/backend/workers-backend.ts';
import { localAccount } from '../../src/contract/access.ts';
import { newRecord } from '../../src/job/job-changes.ts';
import { SqlJobStore } from '../../src/job/sql-job-store.ts';
import { decodeOwnPng, encodePng } from '../../src/media/png.ts';
import { eventually } from '../eventually.ts';
import { readGif } from '../media/gif-reader.ts';
import { sampleSpec } from './fake-job.ts';
import { client, finished, frameHashes, objectOf, pause, small } from './service.ts';

describe('the service in workerd, with the nano model', () => {
  it('makes a video that it was asked for, frame by frame, and serves it', async () => {
    const created = await client.create({ ...small, frames: 6 });
    expect(created).toMatchObject({
      status: 'queued',
      size: '32x32',
      frames: { requested: 6, committed: 0 },
    });
    const video = await finished(created.id);
    expect(video).toMatchObject({
      status: 'completed',
      progress: 100,
      error: null,
      frames: { committed: 6 },
    });
    expect(video.completed_at).toBeGreaterThanOrEqual(video.created_at);
    expect(new Set(await frameHashes(video)).size).toBe(6);
    const gif = readGif(await client.content(video.id, { scale: 2 }));
    expect([gif.width, gif.height, gif.frames.length]).toEqual([64, 64, 6]);
    expect(
      String.fromCharCode(...(await client.content(video.id, { format: 'apng' })).subarray(37, 41)),
    ).toBe('acTL');
  });

  it('makes the same video for the same seed, and another one for another seed', async () => {
    const [first, again, other] = await Promise.all([
      client.create(small).then(({ id }) => finished(id)),
      client.create(small).then(({ id }) => finished(id)),
      client.create({ ...small, seed: 4 }).then(({ id }) => finished(id)),
    ]);
    expect(await frameHashes(again)).toEqual(await frameHashes(first));
    expect(await frameHashes(other)).not.toEqual(await frameHashes(first));
  });

  it('at temperature 0 draws nothing from the seed but the order in which tokens are decoded', async () => {
    const hashesAt = async (seed: number, decode_steps: number) => {
      const order = { ...small, seed, decode_steps, temperature: 0 };
      return await frameHashes(await finished((await client.create(order)).id));
    };
    expect(await hashesAt(4, 1)).toEqual(await hashesAt(3, 1));
    expect(await hashesAt(4, 2)).not.toEqual(await hashesAt(3, 2));
  });

  it('makes the same video when its object is evicted from memory after every wake', async () => {
    const order = { ...small, frames: 12 };
    const calm = await finished((await client.create(order)).id);
    const { id } = await client.create(order);
    let evictions = 0;
    const shaken = await finished(id, async () => {
      await evictDurableObject(objectOf(id));
      evictions += 1;
      await pause();
    });
    expect(evictions).toBeGreaterThan(3);
    expect(await frameHashes(shaken)).toEqual(await frameHashes(calm));
  });

  it('takes a first frame in PNG, JPEG or WebP and begins with it', async () => {
    const image = {
      width: 32,
      height: 32,
      channels: 3,
      pixels: new Uint8Array(32 * 32 * 3).fill(90),
    } as const;
    const video = await finished((await client.create({ ...small, frames: 2, image: encodePng(image) })).id);
    expect(decodeOwnPng(await client.frame(video.id, 0))).toEqual(image);
    for (const file of [sampleJpeg, sampleWebp]) {
      const { id } = await client.create({ ...small, frames: 1, image: Uint8Array.fromBase64(file) });
      const first = decodeOwnPng(await client.frame((await finished(id)).id, 0));
      expect(
        [first.pixels[0], first.pixels[1], first.pixels[2]].map((value) =>
          Math.round((value as number) / 16),
        ),
      ).toEqual([13, 6, 3]);
    }
  });

  it('lists its videos and forgets a removed one, with all its data', async () => {
    const kept = await client.create({ ...small, frames: 1 });
    const removed = await client.create({ ...small, frames: 1 });
    await finished(removed.id);
    const listed = async () => (await client.list({ limit: 100 })).data.map(({ id }) => id);
    expect((await listed()).slice(0, 2)).toEqual([removed.id, kept.id]);
    await client.remove(removed.id);
    expect(await listed()).not.toContain(removed.id);
    await expect(client.retrieve(removed.id)).rejects.toMatchObject({ status: 404, code: 'job_not_found' });
    await expect(client.remove(removed.id)).rejects.toMatchObject({ status: 404, code: 'job_not_found' });
    // The rest goes once the account has heard of it.
    const left = () =>
      runInDurableObject(objectOf(removed.id), (_, { storage }) =>
        storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray(),
      );
    await eventually(async () => expect(await left()).toEqual([]));
  });

  it('removes a video that is being made, and makes the next one', async () => {
    const { id } = await client.create({ ...small, frames: 1000 });
    while ((await client.retrieve(id)).frames.committed === 0) await pause();
    await client.remove(id);
    const next = await finished((await client.create(small)).id);
    expect(next.status).toBe('completed');
    await expect(client.retrieve(id)).rejects.toMatchObject({ code: 'job_not_found' });
  });

  it('answers requests while it computes', async () => {
    const { id } = await client.create({ ...small, frames: 30, decode_steps: 8, head_steps: 8 });
    const seen = new Set<number>();
    await finished(id, async () => {
      seen.add((await client.retrieve(id)).frames.committed);
      await pause();
    });
    expect(seen.size).toBeGreaterThan(5);
  });

  it('creates no object for an id that it did not give out', async () => {
    const before = (await listDurableObjectIds(env.JOBS)).length;
    for (const id of [
      'video_1',
      `video_${'0'.repeat(64)}`,
      `video_${crypto.randomUUID().replaceAll('-', '')}`,
      'x',
    ]) {
      await expect(client.retrieve(id)).rejects.toMatchObject({ status: 404, code: 'job_not_found' });
    }
    expect((await listDurableObjectIds(env.JOBS)).length).toBe(before);
  });

  it('names the models that it serves', async () => {
    expect((await client.models()).map(({ id }) => id)).toContain('nano');
    expect(await client.model('nano')).toMatchObject({ size: '32x32', channels: 3 });
  });
});

it('a job without an alarm is given one when its object comes back to memory', async () => {
  const build = await workersBackend(env.ASSETS).build('nano');
  const spec = { ...sampleSpec, model: 'nano', width: 32, height: 32, labels: [], frames: 2 };
  const id = env.JOBS.newUniqueId();
  await runInDurableObject(env.JOBS.get(id), async (_, { storage }) => {
    const cost = { frameMultiplyAdds: 1000, firstFrameMultiplyAdds: 1000, frameCredits: 10 };
    const job = { account: localAccount, spec, build, ...cost, firstFrame: null, source: null };
    const price = { frames: 2, frameCredits: 10 };
    const wakeAt = Date.now() + 3_600_000;
    new SqlJobStore(storage).create({ ...newRecord(job, Date.now()), wakeAt }, price, null);
    await storage.deleteAlarm();
  });
  await evictDurableObject(env.JOBS.get(id));
  expect((await finished(`video_${id}`)).status).toBe('completed');
});

/** 16x16 pixels of the colour [200, 100, 50]. */
const sampleJpeg =
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wCEAAICAgICAgICAgIDAwIDAwQDAwMDBAYEBAQEBAYJBQYFBQYFCQgJBwcHCQgOCwkJCw4QDQwNEBMRERMYFxgfHyoBAgICAgICAgICAgMDAgMDBAMDAwMEBgQEBAQEBgkFBgUFBgUJCAkHBwcJCA4LCQkLDhANDA0QExERExgXGB8fKv/CABEIABAAEAMBEQACEQEDEQH/xAAoAAEBAAAAAAAAAAAAAAAAAAAABQEBAQAAAAAAAAAAAAAAAAAAAAj/2gAMAwEAAhADEAAAAJ8r2wAP/8QAFBABAAAAAAAAAAAAAAAAAAAAIP/aAAgBAQABPwAf/8QAFBEBAAAAAAAAAAAAAAAAAAAAIP/aAAgBAgEBPwAf/8QAFBEBAAAAAAAAAAAAAAAAAAAAIP/aAAgBAwEBPwAf/9k=';
const sampleWebp = 'UklGRh4AAABXRUJQVlA4TBEAAAAvD8ADAAdQsiJXpv+BiOh/AAA=';
