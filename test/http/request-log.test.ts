import { expect, it } from 'vitest';
import { serviceKey } from '../service-key.ts';
import { TestService } from './test-service.ts';

/** As long and as random as an API key. */
const canary = 'magi_Zt4wq9YVbN2xH0sLkC7uRj3fPd8aTgEo5mWiQz1';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

it('gives every answer an id of its own, refusals and faults included', async () => {
  const service = new TestService({
    randomSeed: () => {
      throw new Error('broken');
    },
  });
  const answers = await Promise.all([
    service.request('/v1/models'),
    service.request('/v1/models', { method: 'HEAD' }),
    service.request('/nothing'),
    service.request('/v1/videos', { method: 'PUT' }),
    service.postText('{'),
    service.postJson({}),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 405, 400, 500]);
  const ids = answers.map(({ headers }) => headers.get('x-request-id') ?? '');
  for (const id of ids) expect(id).toMatch(uuid);
  expect(new Set(ids).size).toBe(ids.length);
  expect(await answers.at(-1)?.text()).toContain(ids.at(-1));
});

it('writes one line a request: its id, method, pattern of the route, status, duration and why it was refused', async () => {
  let now = 0;
  const service = new TestService({ clock: () => (now += 7) });
  const { id } = await service.created();
  await service.request(`/v1/videos/${id}`, { method: 'HEAD' });
  await service.request('/v1/videos/none/frames/3.png');
  await service.request('/v1/videos/extensions', { method: 'DELETE' });
  await service.request(`/${'x'.repeat(20)}`);
  const answer = await service.request(`/v1/videos?limit=0`);
  const rows = service.log.map(({ method, route, status, error }) => [method, route, status, error]);
  expect(rows).toEqual([
    ['POST', '/v1/videos', 200, undefined],
    ['HEAD', '/v1/videos/:id', 200, undefined],
    ['GET', '/v1/videos/:id/frames/:n{[0-9]+\\.png}', 404, 'job_not_found'],
    ['DELETE', '/v1/videos/:id', 404, 'job_not_found'],
    ['GET', '/*', 404, 'route_not_found'],
    ['GET', '/v1/videos', 422, 'out_of_range'],
  ]);
  expect(service.log.at(-1)).toMatchObject({
    level: 'info',
    event: 'request',
    requestId: answer.headers.get('x-request-id'),
    milliseconds: 7,
  });
});

it('names the account and the id of the key, where there is one, and never the key', async () => {
  const service = new TestService();
  await service.request('/v1/videos');
  await service.request('/v1/videos', { headers: { authorization: `Bearer ${canary}` } });
  const [known, unknown] = service.log;
  expect(known).toMatchObject({ status: 200, account: 'local', key: expect.stringMatching(/^\w+$/) });
  expect(unknown).toMatchObject({ status: 401, error: 'key_invalid' });
  expect(unknown).not.toHaveProperty('account');
  expect(JSON.stringify(service.log)).not.toContain(serviceKey);
});

it("keeps a caller's id of the request beside its own, where it may be one", async () => {
  const service = new TestService();
  for (const id of [
    'my-request.7',
    '0b4e2f9c-8d1a-4c3b-9e6f-112233445566',
    'a b',
    '<b>',
    'x'.repeat(37),
    canary,
  ])
    await service.request('/v1/models', { headers: { 'x-request-id': id } });
  expect(service.log.map(({ callerRequestId }) => callerRequestId)).toEqual([
    'my-request.7',
    '0b4e2f9c-8d1a-4c3b-9e6f-112233445566',
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

it('never shows a key that came in a header, the address, the query or the body, neither in the log nor in an answer', async () => {
  const service = new TestService();
  const { id } = await service.created();
  const broken = new TestService({
    randomSeed: () => {
      throw new Error(`no seed for ${canary}`);
    },
  });
  const names = [
    'authorization',
    'cookie',
    'x-request-id',
    'x-api-key',
    'idempotency-key',
    'origin',
    'last-event-id',
  ];
  const unknownKey = Object.fromEntries(names.map((name) => [name, `Bearer ${canary}`]));
  const { authorization: _, ...headers } = unknownKey;
  const answers = await Promise.all([
    service.request('/v1/models', { headers: unknownKey }),
    service.request('/v1/models', { headers }),
    service.request(`/v1/videos/${id}/events`, { headers }),
    service.request(`/v1/videos/${id}/events?last_event_id=${canary}`),
    ...['', '/v1/', '/v1/models/', '/v1/videos/'].map((path) => service.request(`${path}/${canary}`)),
    service.request(`/v1/models/${canary}`, { headers: { 'x-request-id': canary } }),
    service.request(`/v1/videos/${canary}`, { method: 'DELETE' }),
    ...['?api_key=', '?after=', '?order=', '?limit=', '?'].map((query) =>
      service.request(`/v1/videos${query}${canary}`),
    ),
    ...[
      { [canary]: 1 },
      { model: canary },
      { prompt: canary },
      { size: canary },
      { input_reference: canary },
    ].map((body) => service.postJson(body)),
    service.postText(`{"prompt": ${canary}}`),
    service.postText(canary, { 'content-type': `multipart/form-data; boundary=${canary}` }),
    service.postText('{}', { 'content-encoding': canary }),
    service.postForm({ [canary]: canary }),
    service.postJson({ video: { id: canary } }, '/v1/videos/extensions'),
    broken.postJson({}),
  ]);
  expect(answers.filter(({ status }) => status < 400)).toHaveLength(1);
  for (const answer of answers) {
    const shown = `${JSON.stringify([...answer.headers])} ${await answer.text()}`;
    expect(shown).not.toContain(canary);
  }
  expect(broken.log[0]?.error).toBe('Error: no seed for [cut]');
  expect(JSON.stringify([...service.log, ...broken.log])).not.toContain(canary);
});
