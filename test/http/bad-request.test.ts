import { describe, expect, it } from 'vitest';
import { limits } from '../../src/contract/config.ts';
import { refusal, TestService } from './test-service.ts';

const service = new TestService();
const megabyte = 1024 * 1024;

describe('a refusal', () => {
  it('of a wrong method names the right ones', async () => {
    const allowed = async (path: string) =>
      (await service.request(path, { method: 'PATCH' })).headers.get('allow');
    expect(await allowed('/v1/videos')).toBe('POST, GET, HEAD');
    expect(await allowed('/v1/videos/x')).toBe('GET, DELETE, HEAD');
    expect(await allowed('/v1/videos/x/pause')).toBe('POST');
  });

  it('lists the labels it knows, and names the limits it keeps', async () => {
    const label = await (await service.postJson({ prompt: 'fly' })).text();
    expect(label).toContain('walk, run, jump');
    const frames = await (await service.postJson({ frames: 50_000 })).text();
    expect(frames).toContain(`1 to ${limits.framesPerJob}`);
    const temperature = await (await service.postJson({ temperature: 3 })).text();
    expect(temperature).toContain(`temperature must be a number from 0 to ${limits.temperature}.`);
    const model = await (await service.postJson({ model: 'gpt' })).text();
    expect(model).toContain('sample');
    const size = await (await service.postJson({ size: '1x1' })).text();
    expect(size).toContain('8x6');
  });
});

describe('a body', () => {
  it('does not take brackets inside texts for nesting', async () => {
    const body = JSON.stringify({ metadata: { note: `"${'['.repeat(100)}\\` } });
    expect((await service.postText(body)).status).toBe(200);
  });

  it('over the limit is 413 body_too_large by its declared length, before it is read', async () => {
    const unread = new ReadableStream({
      pull() {
        throw new Error('the body was read');
      },
    });
    const answer = service.request('/v1/videos', {
      method: 'POST',
      body: unread,
      duplex: 'half',
      headers: { 'content-type': 'application/json', 'content-length': String(limits.bodyBytes + 1) },
    } as RequestInit);
    expect(await refusal(answer)).toEqual([413, 'body_too_large', null]);
  });

  it('over the limit is 413 body_too_large when it is streamed without a length, and is not read to its end', async () => {
    let megabytesRead = 0;
    const endless = new ReadableStream({
      pull(controller) {
        megabytesRead += 1;
        controller.enqueue(new Uint8Array(megabyte));
      },
    });
    const answer = service.request('/v1/videos', {
      method: 'POST',
      body: endless,
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    } as RequestInit);
    expect(await refusal(answer)).toEqual([413, 'body_too_large', null]);
    expect(megabytesRead).toBeLessThan((limits.bodyBytes + limits.droppedBytes) / megabyte + 4);
  });

  it('that arrives too slowly is 408 request_timeout', async () => {
    const patient = new TestService({ bodySeconds: 0.05 });
    const stuck = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{'));
      },
    });
    const answer = patient.request('/v1/videos', {
      method: 'POST',
      body: stuck,
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    } as RequestInit);
    expect(await refusal(answer)).toEqual([408, 'request_timeout', null]);
  });

  it('that breaks off is 400 body_incomplete, and no fault of ours', async () => {
    const broken = new ReadableStream({
      pull() {
        throw new Error('Network connection lost.');
      },
    });
    const answer = service.request('/v1/videos', {
      method: 'POST',
      body: broken,
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    } as RequestInit);
    expect(await refusal(answer)).toEqual([400, 'body_incomplete', null]);
    expect(service.log.at(-1)).toMatchObject({ level: 'info', error: 'body_incomplete' });
  });
});

it('answers a bug with a plain 500 that tells nothing, and logs it', async () => {
  const broken = new TestService({
    randomSeed: () => {
      throw new Error('secret detail');
    },
  });
  const answer = await broken.postJson({});
  expect(answer.status).toBe(500);
  expect(await answer.clone().text()).not.toContain('secret');
  expect(((await answer.json()) as { error: { code: string } }).error.code).toBe('internal_error');
  expect(broken.log).toMatchObject([{ level: 'error', status: 500, error: 'Error: secret detail' }]);
});
