import { describe, expect, it } from 'vitest';
import type { Video } from '../../src/contract/job.ts';
import { encodePng } from '../../src/media/png.ts';
import { disc, plain } from '../media/sample-image.ts';
import { refusal, TestService } from './test-service.ts';

const picture = encodePng(disc(8, 6));
const keyed = { 'idempotency-key': 'order 1' };

const post = (service: TestService, body: unknown, headers: Record<string, string> = keyed, path?: string) =>
  service.postText(JSON.stringify(body), headers, path);

async function videoOf(answer: Promise<Response>): Promise<Video> {
  const response = await answer;
  if (response.status !== 200) throw new Error(await response.text());
  return response.json() as Promise<Video>;
}

async function formOf(
  service: TestService,
  fields: Record<string, string | Uint8Array<ArrayBuffer>>,
): Promise<Video> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields))
    form.append(name, typeof value === 'string' ? value : new Blob([value]));
  return videoOf(service.request('/v1/videos', { method: 'POST', body: form, headers: keyed }));
}

describe('an order under a key', () => {
  it('is carried out once; the answer is that of the first time, whatever has become of the video', async () => {
    const service = new TestService();
    const first = await videoOf(post(service, { prompt: 'walk' }));
    service.jobs.commit(first.id, [picture], 'in_progress');
    expect(await videoOf(post(service, { prompt: 'walk' }))).toEqual(first);
    expect(service.jobs.entries).toHaveLength(1);
  });

  it('is the same in another order of fields, another spelling of a number, and as a form', async () => {
    const service = new TestService();
    const first = await videoOf(post(service, { seconds: 2, seed: 7, metadata: { a: '1', b: '2' } }));
    const others = [
      videoOf(post(service, { metadata: { b: '2', a: '1' }, seed: 7, seconds: '2.0' })),
      formOf(service, { 'metadata[b]': '2', seed: '7', seconds: '2', 'metadata[a]': '1' }),
    ];
    for (const other of others) expect((await other).id).toBe(first.id);
  });

  it('is the same with the same file, and another one with another file', async () => {
    const service = new TestService();
    const image = (colour: number) => encodePng(plain(8, 6, [colour, 0, 0, 255])) as Uint8Array<ArrayBuffer>;
    const first = await formOf(service, { seed: '1', input_reference: image(9) });
    expect((await formOf(service, { seed: '1', input_reference: image(9) })).id).toBe(first.id);
    await expect(formOf(service, { seed: '1', input_reference: image(8) })).rejects.toThrow(
      'idempotency_reused',
    );
  });

  it('is answered where its image can no longer be fetched', async () => {
    let isThere = true;
    const service = new TestService({
      fetch: async () => (isThere ? new Response(picture as BodyInit) : new Response(null, { status: 404 })),
    });
    const body = { input_reference: 'https://images.example.com/a.png' };
    const first = await videoOf(post(service, body));
    isThere = false;
    expect((await videoOf(post(service, body))).id).toBe(first.id);
    expect(await refusal(post(service, body, {}))).toEqual([422, 'url_unreachable', 'input_reference']);
  });

  it('that was refused is carried out when it can be', async () => {
    const service = new TestService();
    expect(await refusal(post(service, { prompt: 'fly' }))).toEqual([422, 'label_unknown', 'prompt']);
    await videoOf(post(service, { prompt: 'walk' }));
    expect(service.jobs.entries).toHaveLength(1);
  });

  it('that is being carried out is answered 409 with retry-after, and the openai package may ask again', async () => {
    const service = new TestService();
    const { jobs } = service;
    const begun = Promise.withResolvers<void>();
    const going = Promise.withResolvers<void>();
    const create = jobs.create.bind(jobs);
    jobs.create = async (job, ticket) => {
      jobs.keyed.set('order 1', { request: ticket?.request ?? '' });
      begun.resolve();
      await going.promise;
      return create(job, ticket);
    };
    const first = videoOf(post(service, {}));
    await begun.promise;
    const second = await post(service, {});
    expect([second.status, second.headers.get('retry-after')]).toEqual([409, '1']);
    expect(second.headers.get('x-should-retry')).toBeNull();
    expect(((await second.json()) as { error: { code: string } }).error.code).toBe('idempotency_in_progress');
    going.resolve();
    const { id } = await first;
    expect((await videoOf(post(service, {}))).id).toBe(id);
  });

  it('for more frames adds them once, while they are made and after', async () => {
    const service = new TestService();
    const { id } = await service.created({ frames: 1 });
    service.jobs.commit(id, [picture], 'completed');
    for (const [path, body] of [
      [`/v1/videos/${id}/extend`, { frames: 2 }],
      ['/v1/videos/extensions', { video: { id }, frames: 2 }],
    ] as const) {
      const headers = { 'idempotency-key': path };
      const first = await videoOf(post(service, body, headers, path));
      expect(await videoOf(post(service, body, headers, path))).toEqual(first);
      const more = first.frames.requested - first.frames.committed;
      service.jobs.commit(id, new Array(more).fill(picture), 'completed');
      expect(await videoOf(post(service, body, headers, path))).toEqual(first);
    }
    expect(service.jobs.commands).toHaveLength(2);
  });

  it('for a fork makes one', async () => {
    const service = new TestService();
    const { id } = await service.created({ frames: 4 });
    service.jobs.commit(id, [picture], 'in_progress');
    const fork = () => videoOf(post(service, { frames: 3 }, keyed, `/v1/videos/${id}/fork`));
    const first = await fork();
    service.jobs.commit(id, [picture], 'in_progress');
    expect((await fork()).id).toBe(first.id);
    expect(service.jobs.entries).toHaveLength(2);
  });

  it('takes a key of 255 characters', async () => {
    const service = new TestService();
    const headers = { 'idempotency-key': 'k'.repeat(255) };
    const first = await videoOf(post(service, {}, headers));
    expect((await videoOf(post(service, {}, headers))).id).toBe(first.id);
  });
});

describe('an order without a key', () => {
  const retry = { 'x-stainless-retry-count': '1' };

  it('that its client says it repeats is answered with the video that there is', async () => {
    const service = new TestService();
    const first = await videoOf(post(service, { seed: 1 }, { 'x-stainless-retry-count': '0' }));
    expect((await videoOf(post(service, { seed: 1 }, retry))).id).toBe(first.id);
    expect((await videoOf(post(service, { seed: 2 }, retry))).id).not.toBe(first.id);
  });

  it('is carried out each time where nobody says so', async () => {
    const service = new TestService();
    for (let time = 0; time < 3; time++) await videoOf(post(service, { seed: 1 }, {}));
    expect(service.jobs.entries).toHaveLength(3);
  });
});
