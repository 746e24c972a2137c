import { describe, expect, it } from 'vitest';
import type { Video } from '../../src/contract/job.ts';
import { hostileUrls } from '../contract/hostile-urls.ts';
import { refusal, TestService } from './test-service.ts';

const webhookUrl = 'https://hooks.example.com/videos?key=1';

const waiting = {
  ...{ url: webhookUrl, event: null, status: 'pending' },
  ...{ attempts: 0, last_error: null, next_attempt_at: null },
};

/** A service with a finished video. */
async function finishedVideo(
  body: unknown = {},
): Promise<{ service: TestService; path: string; id: string }> {
  const service = new TestService();
  const { id } = await service.created(body);
  service.jobs.commit(id, [new Uint8Array()], 'completed');
  return { service, id, path: `/v1/videos/${id}` };
}

async function answered(answer: Promise<Response>): Promise<Video> {
  const response = await answer;
  if (response.status !== 200) throw new Error(await response.text());
  return response.json() as Promise<Video>;
}

describe('a webhook', () => {
  it('is noted with a new video, in JSON and in a form, and shown on it', async () => {
    const service = new TestService();
    expect((await service.created({ webhook_url: webhookUrl })).webhook).toEqual(waiting);
    expect((await answered(service.postForm({ webhook_url: webhookUrl }))).webhook).toEqual(waiting);
    expect((await service.created()).webhook).toBeNull();
  });

  it('is noted with a fork, and changed with an extension', async () => {
    const { service, path, id } = await finishedVideo();
    const fork = await answered(service.postJson({ webhook_url: webhookUrl }, `${path}/fork`));
    expect(fork.webhook).toEqual(waiting);
    await answered(service.postJson({ webhook_url: webhookUrl }, `${path}/extend`));
    service.jobs.commit(id, [new Uint8Array()], 'completed');
    await answered(service.postJson({ video: { id }, webhook_url: webhookUrl }, '/v1/videos/extensions'));
    expect(service.jobs.commands).toMatchObject([
      { kind: 'extend', webhookUrl },
      { kind: 'extend', webhookUrl },
    ]);
  });

  it('shows how its newest event stands', async () => {
    const { service, id, path } = await finishedVideo({ webhook_url: webhookUrl });
    service.jobs.deliver(id, {
      ...{ epoch: 0, type: 'video.completed', endedAt: 5000, status: 'pending', attempts: 2 },
      ...{ nextAttemptAt: 61_900, lastError: 'webhook_url answered with status 500.' },
    });
    expect((await answered(service.request(path))).webhook).toEqual({
      ...{ url: webhookUrl, event: 'video.completed', status: 'pending', attempts: 2 },
      ...{ last_error: 'webhook_url answered with status 500.', next_attempt_at: 61 },
    });
  });

  it('is told again when its owner wants it, with the URL of before or another one', async () => {
    const { service, path } = await finishedVideo({ webhook_url: webhookUrl });
    const other = 'https://b.example.com/';
    await answered(service.request(`${path}/webhook`, { method: 'POST' }));
    const video = await answered(service.postJson({ webhook_url: other }, `${path}/webhook`));
    expect(video.webhook?.url).toBe(other);
    expect(service.jobs.commands).toEqual([
      { kind: 'notify', webhookUrl: undefined },
      { kind: 'notify', webhookUrl: other },
    ]);
  });

  it('has to be named where the video has none', async () => {
    const { service, path } = await finishedVideo();
    const answer = service.request(`${path}/webhook`, { method: 'POST' });
    expect(await refusal(answer)).toEqual([422, 'field_required', 'webhook_url']);
    const unknown = service.request('/v1/videos/video_none/webhook', { method: 'POST' });
    expect(await refusal(unknown)).toEqual([404, 'job_not_found', null]);
  });

  it.each(hostileUrls)('is refused by every call that takes one, where it is %j', async (hostile, code) => {
    const { service, path, id } = await finishedVideo();
    const body = { webhook_url: hostile };
    for (const address of ['/v1/videos', `${path}/extend`, `${path}/fork`, `${path}/webhook`])
      expect(await refusal(service.postJson(body, address))).toEqual([422, code, 'webhook_url']);
    const extension = service.postJson({ ...body, video: { id } }, '/v1/videos/extensions');
    expect(await refusal(extension)).toEqual([422, code, 'webhook_url']);
    expect(service.jobs.entries.length).toBe(1);
  });

  it('must be a text', async () => {
    const answer = new TestService().postJson({ webhook_url: 1 });
    expect(await refusal(answer)).toEqual([422, 'type_mismatch', 'webhook_url']);
  });
});

describe('the secret of an account', () => {
  it('is shown, and made anew', async () => {
    const service = new TestService();
    const shown = await service.request('/v1/account/webhook_secret');
    expect(await shown.json()).toEqual(service.jobs.secret);
    const before = service.jobs.secret;
    const rotated = await service.request('/v1/account/webhook_secret/rotate', { method: 'POST' });
    expect(await rotated.json()).toEqual(service.jobs.secret);
    expect(service.jobs.secret).not.toEqual(before);
  });
});
