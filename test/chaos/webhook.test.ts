import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Response } from 'miniflare';
import { Webhook } from 'standardwebhooks';
import { afterAll, expect, it } from 'vitest';
import type { Video } from '../../src/contract/job.ts';
import type { WebhookEvent, WebhookSecret } from '../../src/contract/webhook.ts';
import { authorized } from '../service-key.ts';
import { Runtime } from './runtime.ts';

interface Heard {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

const webhookUrl = 'https://hooks.example.com/videos';
const heard: Heard[] = [];
const dataFolder = await mkdtemp(join(tmpdir(), 'magi-webhook-'));
const runtime = await Runtime.open({
  dataFolder,
  outside: async (request) => {
    heard.push({
      url: request.url,
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
    });
    return new Response(null, { status: 204 });
  },
});

afterAll(async () => {
  await runtime.close();
  await rm(dataFolder, { recursive: true, force: true });
});

/** A call to the service, whose client knows no webhooks. */
async function answered<T>(path: string, body?: unknown): Promise<T> {
  const headers = { ...authorized, 'content-type': 'application/json' };
  const init = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) };
  const response = await fetch(runtime.address + path, init);
  if (!response.ok) throw new Error(await response.text());
  return response.json() as Promise<T>;
}

async function delivered(id: string): Promise<Video> {
  for (;;) {
    const video = await answered<Video>(`/v1/videos/${id}`);
    if (video.webhook?.status === 'delivered') return video;
    await sleep(100);
  }
}

/** How often the event was heard before the process died, and its least number of tries. */
it.each([
  ['before the end is committed', 'write:last-frame#1!', 0, 1],
  ['before the first try is written down', 'write:delivery#1!', 0, 1],
  ['before the first try', 'deliver#1', 0, 1],
  ['before its answer is written down', 'write:delivery#2!', 1, 2],
])(
  'a webhook hears of the end of a video whose process is killed %s',
  async (_, point, before, attempts) => {
    heard.length = 0;
    await runtime.serve({ CRASH_POINT: point });
    const order = { model: 'nano', frames: 3, webhook_url: webhookUrl };
    const { id } = await answered<Video>('/v1/videos', order);
    await runtime.crashed(60);
    await runtime.kill();
    expect(heard.length).toBe(before);
    await runtime.serve();
    const video = await delivered(id);
    expect(video.webhook?.event).toBe('video.completed');
    expect(video.webhook?.attempts).toBeGreaterThanOrEqual(attempts);
    const { secret } = await answered<WebhookSecret>('/v1/account/webhook_secret');
    const events = heard.map(
      ({ body, headers }) => new Webhook(secret).verify(body, headers) as WebhookEvent,
    );
    expect(heard.map(({ url, headers }) => [url, headers['webhook-id']])).toEqual(
      new Array(before + 1).fill([webhookUrl, events[0]?.id]),
    );
    expect(events[0]).toMatchObject({ type: 'video.completed', data: { id } });
    await runtime.kill();
  },
  120_000,
);
