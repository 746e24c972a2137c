import { describe, expect, it } from 'vitest';
import { linkSigner } from '../../src/access/link-signer.ts';
import { Video } from '../../src/contract/job.ts';
import { encodePng } from '../../src/media/png.ts';
import { disc } from '../media/sample-image.ts';
import { serviceKey } from '../service-key.ts';
import { refusal, TestService } from './test-service.ts';

const png = encodePng(disc(8, 6));

/** A finished video of two frames. */
async function finishedVideo(service: TestService, order: object = {}): Promise<Video> {
  const { id } = await service.created({ frames: 2, ...order });
  service.jobs.commit(id, [png, png], 'completed');
  return Video.parse(await (await service.request(`/v1/videos/${id}`)).json());
}

const token = (path: string) => new URL(path, 'http://service.invalid').searchParams.get('token') ?? '';

describe('the links of a video', () => {
  it('open its content, its frames and its events without a key', async () => {
    const service = new TestService();
    const { links } = await finishedVideo(service);
    const frame = await service.ask(links.frames.replace('{n}', '1'));
    expect(new Uint8Array(await frame.arrayBuffer())).toEqual(png);
    expect((await service.ask(links.content, { method: 'HEAD' })).status).toBe(200);
    const apng = await service.ask(`${links.content}&format=apng&scale=2`);
    expect([apng.status, apng.headers.get('content-type')]).toEqual([200, 'image/apng']);
    const events = await (await service.ask(`${links.events}&last_event_id=0`)).text();
    expect(events).toContain('event: completed');
    expect(events).not.toContain('"index":0');
  });

  it('lead on to no link that is valid for longer', async () => {
    const service = new TestService();
    const { links } = await finishedVideo(service);
    const text = await (await service.ask(links.events)).text();
    const tokens = [...text.matchAll(/token=([\w.-]+)/g)].map(([, found]) => found);
    expect(tokens.length).toBe(2 + 3);
    expect(new Set(tokens)).toEqual(new Set([token(links.events)]));
  });

  it('do not tell whose webhook hears of it, as its URL may hold a secret', async () => {
    const service = new TestService();
    const webhook_url = 'https://receiver.example.org/secret-path';
    const { id, links } = await finishedVideo(service, { webhook_url });
    expect(await (await service.request(`/v1/videos/${id}/events`)).text()).toContain(webhook_url);
    expect(await (await service.ask(links.events)).text()).not.toContain(webhook_url);
  });

  it('open nothing else of the video', async () => {
    const service = new TestService();
    const { id, links } = await finishedVideo(service);
    const query = `?token=${token(links.content)}`;
    for (const [method, path] of [
      ['GET', `/v1/videos/${id}`],
      ['DELETE', `/v1/videos/${id}`],
      ['POST', `/v1/videos/${id}/fork`],
      ['GET', '/v1/videos'],
      ['POST', '/v1/videos'],
    ] as const) {
      const answer = service.ask(path + query, { method });
      expect(await refusal(answer)).toEqual([401, 'auth_missing', null]);
    }
    expect(await refusal(service.ask(links.content, { method: 'POST' }))).toEqual([
      405,
      'method_not_allowed',
      null,
    ]);
  });

  it('of one video open no other one', async () => {
    const service = new TestService();
    const [one, other] = [await finishedVideo(service), await finishedVideo(service)];
    for (const path of [one.links.content, one.links.events, one.links.frames.replace('{n}', '0')]) {
      const altered = path.replace(one.id, other.id);
      expect(await refusal(service.ask(altered))).toEqual([403, 'link_invalid', 'token']);
    }
  });

  it('expire', async () => {
    const hour = 3_600_000;
    let now = 1_700_000_000_000;
    const links = linkSigner({ secrets: [serviceKey], hours: 24, clock: () => now });
    const service = new TestService({ links });
    const { links: paths } = await finishedVideo(service);
    now += 24 * hour;
    expect((await service.ask(paths.content)).status).toBe(200);
    now += hour;
    expect(await refusal(service.ask(paths.content))).toEqual([403, 'link_expired', 'token']);
    expect((await service.request(paths.content)).status).toBe(200);
  });

  it('do not matter where there is a key', async () => {
    const service = new TestService();
    const { id, links } = await finishedVideo(service);
    expect((await service.request(`/v1/videos/${id}/content?token=x`)).status).toBe(200);
    const answer = service.ask(links.content, { headers: { authorization: 'Bearer x' } });
    expect(await refusal(answer)).toEqual([401, 'key_invalid', null]);
  });
});
