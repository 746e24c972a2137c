import { SELF } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { VideoClient, type VideoOrder } from '../../src/client/video-client.ts';
import type { Video } from '../../src/contract/job.ts';
import { serviceKey } from '../service-key.ts';

/** The whole service, in this process. */
export const client = new VideoClient('http://service.invalid', serviceKey, (request) => SELF.fetch(request));

/** A short video of the nano model. */
export const small: VideoOrder = { model: 'nano', frames: 4, seed: 3, decode_steps: 2, head_steps: 2 };

export const pause = () => scheduler.wait(20);

/** The video once it is as wanted. */
export async function awaited(
  id: string,
  isSo: (video: Video) => boolean,
  between: () => Promise<unknown> = pause,
): Promise<Video> {
  for (;;) {
    const video = await client.retrieve(id);
    if (isSo(video)) return video;
    await between();
  }
}

export function finished(id: string, between?: () => Promise<unknown>): Promise<Video> {
  const ends = ['completed', 'failed', 'cancelled'];
  return awaited(id, ({ status }) => ends.includes(status), between);
}

/** SHA-256 of every frame that there is. */
export async function frameHashes({ id, frames }: Pick<Video, 'id' | 'frames'>): Promise<string[]> {
  const hashes: string[] = [];
  for (let index = 0; index < frames.committed; index++) {
    const png = await client.frame(id, index);
    const digest = await crypto.subtle.digest('SHA-256', png as Uint8Array<ArrayBuffer>);
    hashes.push(new Uint8Array(digest).toHex());
  }
  return hashes;
}

export function objectOf(videoId: string) {
  return env.JOBS.get(env.JOBS.idFromString(videoId.slice('video_'.length)));
}
