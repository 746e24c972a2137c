import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { VideoClient, type VideoOrder } from '../../src/client/video-client.ts';
import type { Video } from '../../src/contract/job.ts';
import { serviceKey } from '../service-key.ts';
import { LocalProcess } from './local-process.ts';

const order: VideoOrder = { model: 'nano', frames: 24, seed: 11 };

/** Polls until a value is there, for at most a minute. */
async function eventually<T>(look: () => Promise<T | null>): Promise<T> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(50)) {
    const value = await look();
    if (value !== null) return value;
  }
  throw new Error('waited for a minute in vain');
}

function finished(client: VideoClient, id: string): Promise<Video> {
  return eventually(async () => {
    const video = await client.retrieve(id);
    return video.status === 'completed' || video.status === 'failed' ? video : null;
  });
}

async function videoHash(client: VideoClient, video: Video): Promise<string> {
  const hash = createHash('sha256');
  for (let index = 0; index < video.frames.committed; index++)
    hash.update(await client.frame(video.id, index));
  return hash.digest('hex');
}

/** Frames in the storage of a job's object, read beside the service: no request, so nothing that could wake the job. */
function storedFrames(dataFolder: string, id: string): number {
  const file = join(dataFolder, 'v3', 'do', 'magi-worker-JobObject', `${id.slice('video_'.length)}.sqlite`);
  const database = new DatabaseSync(file, { readOnly: true, timeout: 1000 });
  const row = database.prepare('SELECT count(*) AS frames FROM frame').get() as { frames: number };
  database.close();
  return row.frames;
}

it('a job goes on by itself after kill -9 of the runtime, and its video is that of an uninterrupted run', async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'magi-kill-'));
  const processes: LocalProcess[] = [];
  const started = async () => {
    const process = await LocalProcess.start(dataFolder);
    processes.push(process);
    return process;
  };
  try {
    const doomed = await started();
    let client = new VideoClient(doomed.address, serviceKey);
    const calm = await finished(client, (await client.create(order)).id);
    const expected = await videoHash(client, calm);

    const { id } = await client.create(order);
    const before = await eventually(async () => {
      const { committed } = (await client.retrieve(id)).frames;
      return committed >= 6 ? committed : null;
    });
    await doomed.kill();
    const left = storedFrames(dataFolder, id);
    expect(left).toBeGreaterThanOrEqual(before);
    expect(left).toBeLessThan(24);

    const revived = await started();
    await eventually(async () => (storedFrames(dataFolder, id) > left ? true : null));
    client = new VideoClient(revived.address, serviceKey);
    const video = await finished(client, id);
    expect(video).toMatchObject({ status: 'completed', frames: { requested: 24, committed: 24 } });
    expect(await videoHash(client, video)).toBe(expected);
    expect((await client.list()).data.map((listed) => listed.id)).toEqual([id, calm.id]);
  } finally {
    for (const process of processes) await process.kill();
    await rm(dataFolder, { recursive: true, force: true });
  }
}, 120_000);
