import { evictDurableObject, SELF } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import type { Video } from '../../src/contract/job.ts';
import { authorized } from '../service-key.ts';
import { awaited, client, finished, frameHashes, objectOf, pause, small } from './service.ts';

const order = { ...small, frames: 12 };

let calm: Promise<string[]> | undefined;

/** Hashes of the frames of an uninterrupted run. */
function calmHashes(): Promise<string[]> {
  calm ??= client.create(order).then(async ({ id }) => frameHashes(await finished(id)));
  return calm;
}

/** Between two looks at a video: its object goes from memory. */
const evict = (id: string) => async () => {
  await evictDurableObject(objectOf(id));
  await pause();
};

const hasFrames = (count: number) => (video: Video) => video.frames.committed >= count;

describe('a real video, evicted again and again', () => {
  it('that is paused and resumed is the same as the calm one', async () => {
    const { id } = await client.create(order);
    await awaited(id, hasFrames(3), evict(id));
    const paused = await client.pause(id);
    expect(paused.status).toBe('paused');
    await evict(id)();
    await scheduler.wait(100);
    expect(await client.retrieve(id)).toMatchObject({ status: 'paused', frames: paused.frames });
    await client.resume(id);
    const video = await finished(id, evict(id));
    expect(video.status).toBe('completed');
    expect(await frameHashes(video)).toEqual(await calmHashes());
  });

  it('that is extended is the same as one order of that length', async () => {
    const { id } = await client.create({ ...order, frames: 5 });
    await finished(id, evict(id));
    await evict(id)();
    expect(await client.extend(id, { frames: 7 })).toMatchObject({
      frames: { requested: 12, committed: 5 },
    });
    const video = await finished(id, evict(id));
    expect(await frameHashes(video)).toEqual(await calmHashes());
  });

  it('that is cancelled keeps its frames, and goes on when it is extended', async () => {
    const { id } = await client.create(order);
    await awaited(id, hasFrames(2), evict(id));
    const cancelled = await client.cancel(id);
    expect(cancelled.status).toBe('cancelled');
    const made = cancelled.frames.committed;
    await evict(id)();
    expect(await frameHashes(cancelled)).toEqual((await calmHashes()).slice(0, made));
    await client.extend(id, { frames: 12 - made });
    expect(await frameHashes(await finished(id, evict(id)))).toEqual(await calmHashes());
  });

  it('that is forked with its own seed and evicted gives its own bytes, and with another one others', async () => {
    const source = await client.create(order);
    await awaited(source.id, hasFrames(6));
    const same = await client.fork(source.id, { frame: 4, seed: 3 });
    const other = await client.fork(source.id, { frame: 4, seed: 9, interval: 2 });
    expect(same).toMatchObject({ forked_from: { id: source.id, frames: 5 }, frames: { requested: 12 } });
    const [sameHashes, otherHashes] = await Promise.all(
      [same, other].map(async ({ id }) => frameHashes(await finished(id, evict(id)))),
    );
    expect(sameHashes).toEqual(await calmHashes());
    expect(otherHashes?.slice(0, 5)).toEqual(sameHashes?.slice(0, 5));
    expect(otherHashes?.[5]).not.toBe(sameHashes?.[5]);
    expect(otherHashes?.length).toBe(12);
  });

  it('that is removed while it is made is gone, and its fork stays', async () => {
    const { id } = await client.create(order);
    await awaited(id, hasFrames(2));
    const fork = await client.fork(id, { frame: 0, frames: 4, seed: 3 });
    await awaited(fork.id, hasFrames(1));
    await client.remove(id);
    await evictDurableObject(objectOf(id));
    await expect(client.retrieve(id)).rejects.toMatchObject({ code: 'job_not_found' });
    expect(await frameHashes(await finished(fork.id))).toEqual((await calmHashes()).slice(0, 4));
  });
});

describe('following a real video', () => {
  it('brings every frame once and in order, over pause, resume and eviction, and then the end', async () => {
    const { id } = await client.create(order);
    const indices: number[] = [];
    let end = '';
    for await (const event of client.follow(id)) {
      end = event.type;
      if (event.type !== 'frame') continue;
      indices.push(event.data.index);
      if (event.data.index === 2) await client.pause(id);
      if (event.data.index === 2) await client.resume(id);
      if (event.data.index === 5) await evictDurableObject(objectOf(id));
    }
    expect(indices).toEqual(Array.from({ length: 12 }, (_, index) => index));
    expect(end).toBe('completed');
    expect(await frameHashes(await client.retrieve(id))).toEqual(await calmHashes());
  });
});

/** Indices of the frames in a stream of events, in the order in which they came. */
async function streamed(answer: Response): Promise<number[]> {
  const ids = (await answer.text()).matchAll(/^id: (\d+)$/gm);
  return Array.from(ids, ([, id]) => Number(id));
}

describe('a hundred streams of events of a real video', () => {
  it('of which half are not read until it is finished bring every frame once and in order, and delay nobody', async () => {
    const { id } = await client.create(order);
    const listen = () => SELF.fetch(`http://service.invalid/v1/videos/${id}/events`, { headers: authorized });
    const silent = await Promise.all(Array.from({ length: 50 }, listen));
    const eager = Array.from({ length: 50 }, async () => streamed(await listen()));
    const all = Array.from({ length: 12 }, (_, index) => index);
    for (const indices of await Promise.all(eager)) expect(indices).toEqual(all);
    expect((await client.retrieve(id)).status).toBe('completed');
    for (const answer of silent) expect(await streamed(answer)).toEqual(all);
  });
});

describe('commands to a real video', () => {
  it('are refused as job_terminal once it is finished', async () => {
    const { id } = await client.create({ ...small, frames: 1 });
    await finished(id);
    for (const call of [client.pause(id), client.resume(id), client.cancel(id)])
      await expect(call).rejects.toMatchObject({ status: 409, code: 'job_terminal' });
  });

  it('to extend it are refused as job_not_finished while it is made', async () => {
    const { id } = await client.create(order);
    await expect(client.extend(id)).rejects.toMatchObject({ status: 409, code: 'job_not_finished' });
    await client.cancel(id);
  });
});
