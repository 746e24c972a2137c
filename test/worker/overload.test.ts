import { SELF } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { ErrorBody, Video } from '../../src/contract/job.ts';
import { authorized } from '../service-key.ts';
import { finished } from './service.ts';

const unfinishedVideos = Number(env.UNFINISHED_VIDEOS);

function order(): Promise<Response> {
  const body = JSON.stringify({ model: 'nano', frames: 1, decode_steps: 1, head_steps: 1, seed: 1 });
  const headers = { ...authorized, 'content-type': 'application/json' };
  return SELF.fetch('http://service.invalid/v1/videos', { method: 'POST', headers, body });
}

it('twice as many orders as may be unfinished are accepted or answered 429 with retry-after; none accepted is lost', async () => {
  const answers = await Promise.all(Array.from({ length: 2 * unfinishedVideos }, order));
  const refused = answers.filter(({ status }) => status !== 200);
  expect(refused.length).toBeGreaterThan(0);
  for (const answer of refused) {
    expect([answer.status, Number(answer.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect(ErrorBody.parse(await answer.json()).error.code).toBe('concurrency_limit');
  }
  const accepted = answers.filter(({ status }) => status === 200);
  expect(accepted.length).toBeGreaterThan(unfinishedVideos / 2);
  for (const answer of accepted) {
    const { id } = Video.parse(await answer.json());
    expect(await finished(id)).toMatchObject({ status: 'completed', frames: { committed: 1 } });
  }
});
