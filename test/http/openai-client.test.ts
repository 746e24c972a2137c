import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI, {
  ConflictError,
  NotFoundError,
  RateLimitError,
  toFile,
  UnprocessableEntityError,
} from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalService, startLocalService } from '../../src/command/local-service.ts';
import { Failure } from '../../src/contract/failure.ts';
import { decodeOwnPng, encodePng } from '../../src/media/png.ts';
import { readGif } from '../media/gif-reader.ts';
import { disc, plain } from '../media/sample-image.ts';
import { serviceKey } from '../service-key.ts';
import { type LoopbackServer, loopbackServer } from './loopback-server.ts';
import { TestService } from './test-service.ts';

interface Served {
  readonly address: string;
  readonly key?: string;
}

function clientOf({ address, key = serviceKey }: Served, options: { maxRetries?: number } = {}): OpenAI {
  return new OpenAI({ baseURL: `${address}/v1`, apiKey: key, ...options });
}

async function bytesOf(answer: Response): Promise<Uint8Array> {
  return new Uint8Array(await answer.arrayBuffer());
}

describe('the npm package openai, unchanged, with the service in its real runtime', {
  timeout: 180_000,
}, () => {
  let service: LocalService;
  let client: OpenAI;
  let dataFolder: string;
  // The model has no labels: its prompt is empty.
  const nano = { model: 'nano', prompt: '', size: '32x32' as never };

  beforeAll(async () => {
    dataFolder = await mkdtemp(join(tmpdir(), 'magi-openai-test-'));
    service = await startLocalService({ port: 0, dataFolder });
    client = clientOf(service);
  }, 60_000);

  afterAll(async () => {
    await service.stop();
    await rm(dataFolder, { recursive: true, force: true });
  });

  async function finished(id: string) {
    for (;;) {
      const video = await client.videos.retrieve(id);
      if (video.status !== 'queued' && video.status !== 'in_progress') return video;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  it('makes a video from a file, follows it, downloads every variant, extends it and deletes it', async () => {
    const picture = await toFile(encodePng(plain(32, 32, [200, 30, 40, 255])), 'first.png', {
      type: 'image/png',
    });
    const created = await client.videos.create({
      ...nano,
      seconds: '0.5' as never,
      input_reference: picture,
    });
    expect(created).toMatchObject({
      object: 'video',
      model: 'nano',
      prompt: null,
      size: '32x32',
      error: null,
    });
    expect(created.seconds).toBe('0.5');
    expect(created.completed_at).toBeNull();

    const video = await finished(created.id);
    expect(video).toMatchObject({ status: 'completed', progress: 100 });
    expect(video.completed_at).toBeGreaterThanOrEqual(video.created_at);
    expect(video.expires_at).toBeGreaterThan(video.created_at);

    const gif = readGif(await bytesOf(await client.videos.downloadContent(video.id)));
    expect([gif.width, gif.height, gif.frames.length]).toEqual([32, 32, 6]);
    const thumbnail = await client.videos.downloadContent(video.id, { variant: 'thumbnail' });
    expect([...decodeOwnPng(await bytesOf(thumbnail)).pixels.subarray(0, 3)]).toEqual([200, 30, 40]);
    const sheet = await client.videos.downloadContent(video.id, { variant: 'spritesheet' });
    expect(decodeOwnPng(await bytesOf(sheet)).width).toBe(6 * 32);

    const longer = await client.videos.extend({
      video: { id: video.id },
      prompt: '',
      seconds: '0.25' as never,
    });
    expect(longer).toMatchObject({ id: video.id, seconds: '0.75' });
    expect((await finished(video.id)).status).toBe('completed');
    const after = readGif(await bytesOf(await client.videos.downloadContent(video.id)));
    expect(after.frames.slice(0, 6)).toEqual(gif.frames);
    expect(after.frames.length).toBe(9);

    expect(await client.videos.delete(video.id)).toEqual({
      id: video.id,
      object: 'video.deleted',
      deleted: true,
    });
    await expect(client.videos.retrieve(video.id)).rejects.toThrow(NotFoundError);
  });

  it('makes a video from an image_url, and lists all videos page by page', async () => {
    const png = await readFile('examples/first-frame.png');
    const image_url = `data:image/png;base64,${png.toString('base64')}`;
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      const input = i === 0 ? { input_reference: { image_url } } : {};
      ids.unshift((await client.videos.create({ ...nano, seconds: '0.125' as never, ...input })).id);
    }
    const listed: string[] = [];
    for await (const video of client.videos.list({ limit: 2 })) listed.push(video.id);
    expect(listed.slice(0, 5)).toEqual(ids);
    const oldest = await client.videos.list({ limit: 2, order: 'asc' });
    expect(oldest.data.map(({ id }) => id)).toEqual(listed.toReversed().slice(0, 2));
    expect(oldest.hasNextPage()).toBe(true);
  });

  it('makes one video where its answers are lost and it asks again by itself, from a file, too', async () => {
    const retries: (string | null)[] = [];
    const lossy = await loopbackServer(async (request) => {
      retries.push(request.headers.get('x-stainless-retry-count'));
      const { pathname } = new URL(request.url);
      const { method, headers } = request;
      const body = await request.arrayBuffer();
      const answer = await fetch(service.address + pathname, { method, headers, body });
      const text = await answer.text();
      if (retries.length <= 2) return new Response('the answer is lost', { status: 502 });
      return new Response(text, { status: answer.status, headers: { 'content-type': 'application/json' } });
    });
    try {
      const unlucky = clientOf({ ...service, address: lossy.address });
      const before = (await client.videos.list({ limit: 100 })).data.length;
      const input_reference = await toFile(encodePng(plain(32, 32, [9, 9, 9, 255])), 'first.png');
      const order = { ...nano, seconds: '0.125' as never, input_reference };
      const { id } = await unlucky.videos.create(order);
      expect(retries).toEqual(['0', '1', '2']);
      const { data } = await client.videos.list({ limit: 100 });
      expect([data.length, data[0]?.id]).toEqual([before + 1, id]);
      // Ordered again on purpose, it is another video.
      expect((await unlucky.videos.create(order)).id).not.toBe(id);
      const keyed = { headers: { 'idempotency-key': 'one of mine' } };
      const first = await client.videos.create({ ...nano, seconds: '0.125' as never }, keyed);
      expect((await client.videos.create({ ...nano, seconds: '0.125' as never }, keyed)).id).toBe(first.id);
    } finally {
      await lossy.stop();
    }
  });

  it('asks again by itself until the first frame is made', async () => {
    const { id } = await client.videos.create({ ...nano, seconds: '0.25' as never });
    const patient = clientOf(service, { maxRetries: 20 });
    const gif = readGif(await bytesOf(await patient.videos.downloadContent(id)));
    expect(gif.frames.length).toBeGreaterThan(0);
  });
});

describe('the npm package openai, where the service refuses', () => {
  const service = new TestService();
  const paths: string[] = [];
  let server: LoopbackServer;
  let client: OpenAI;

  beforeAll(async () => {
    server = await loopbackServer((request) => {
      paths.push(`${request.method} ${new URL(request.url).pathname}`);
      return service.send(request);
    });
    client = clientOf(server, { maxRetries: 2 });
  });

  afterAll(() => server.stop());

  it('throws its class of the status, with our code, message and field', async () => {
    const unknown = client.videos.retrieve('video_99').catch((error: unknown) => error);
    expect(await unknown).toBeInstanceOf(NotFoundError);
    expect(await unknown).toMatchObject({
      status: 404,
      code: 'job_not_found',
      type: 'invalid_request_error',
    });
    const label = await client.videos.create({ prompt: 'fly' }).catch((error: unknown) => error);
    expect(label).toBeInstanceOf(UnprocessableEntityError);
    expect(label).toMatchObject({ status: 422, code: 'label_unknown', param: 'prompt' });
    expect(String(label)).toContain('walk, run, jump');
  });

  it('gets 422 format_unsupported for webm and mp4', async () => {
    const { id } = await service.created();
    for (const format of ['webm', 'mp4']) {
      const refused = client.videos.downloadContent(id, undefined, { query: { format } });
      await expect(refused).rejects.toMatchObject({
        status: 422,
        code: 'format_unsupported',
        param: 'format',
      });
    }
  });

  it('does not ask again where a conflict stays', async () => {
    const { id } = await service.created();
    paths.length = 0;
    const refused = client.videos.extend({ video: { id }, prompt: 'walk', seconds: '4' });
    await expect(refused).rejects.toThrow(ConflictError);
    expect(paths).toEqual(['POST /v1/videos/extensions']);
  });

  it('asks again where a frame is not ready, and gets what has been made meanwhile', async () => {
    const { id } = await service.created();
    paths.length = 0;
    const content = client.videos.downloadContent(id);
    setTimeout(() => service.jobs.commit(id, [encodePng(disc(8, 6))], 'in_progress'), 200);
    expect(readGif(await bytesOf(await content)).frames.length).toBe(1);
    expect(paths).toEqual(new Array(2).fill(`GET /v1/videos/${id}/content`));
  });

  it('throws RateLimitError where too many videos are unfinished', async () => {
    const { jobs } = service;
    const create = jobs.create.bind(jobs);
    jobs.create = async () => {
      throw new Failure('concurrency_limit', 'You have 100 unfinished videos; wait for one, or cancel one.');
    };
    const impatient = clientOf(server, { maxRetries: 0 });
    const refused = await impatient.videos.create({ prompt: 'walk' }).catch((error: unknown) => error);
    jobs.create = create;
    expect(refused).toBeInstanceOf(RateLimitError);
    expect((refused as RateLimitError).headers?.get('retry-after')).toBe('5');
  });
});
