import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/contract/config.ts';
import { Video } from '../../src/contract/job.ts';
import { cpuSeconds } from '../chaos/process-figures.ts';
import { Runtime } from '../chaos/runtime.ts';
import { authorized } from '../service-key.ts';
import { badInput, requestOf, takenKey } from './bad-input.ts';
import { answersIn, type RawPiece, sendRaw } from './raw-connection.ts';
import { refusal } from './test-service.ts';

const dataFolder = await mkdtemp(join(tmpdir(), 'magi-over-http-'));
const runtime = await Runtime.open({ dataFolder });
await runtime.serve();
const { client, address } = runtime;
// The model takes longer to load than the command to arrive, so that no frame is made before.
const ordered = await fetch(`${address}/v1/videos`, {
  method: 'POST',
  headers: { ...authorized, 'content-type': 'application/json', 'idempotency-key': takenKey },
  body: JSON.stringify({ model: 'nano', frames: 100 }),
});
const paused = Video.parse(await ordered.json());
await client.pause(paused.id);
const completed = await client.create({ model: 'nano', frames: 1 });
while ((await client.retrieve(completed.id)).status !== 'completed') await sleep(50);
const ids = { paused: paused.id, completed: completed.id };

afterAll(async () => {
  await runtime.close();
  await rm(dataFolder, { recursive: true, force: true });
});

const get = (target: string, headers = '', method = 'GET') =>
  `${method} ${target} HTTP/1.1\r\nHost: service.invalid\r\nAuthorization: ${authorized.authorization}\r\n${headers}\r\n`;
const post = (headers: string, body = '') =>
  get('/v1/videos', `Content-Type: application/json\r\n${headers}`, 'POST') + body;
const json = { 'content-type': 'application/json' };
const chunked = (body: string) => post('Transfer-Encoding: chunked\r\n', body);

describe.each(Object.entries(badInput))('over real HTTP, %s', (_, rows) => {
  for (const [name, request, status, code, param = null] of rows) {
    it(`refuses ${name}`, async () => {
      const [path, init] = requestOf(request, ids);
      expect(await refusal(fetch(address + path, init))).toEqual([status, code, param]);
    });
  }
});

describe('over a bare connection', () => {
  // biome-ignore format: a row is a line
  const byWorker: [name: string, pieces: RawPiece[], ...answers: [status: number, code: string | null][]][] = [
    ['HEAD answers as GET, without a body', [get('/v1/models/nano', '', 'HEAD')], [200, null]],
    ['HEAD of nothing is refused without a body', [get('/v1/videos/x', '', 'HEAD')], [404, null]],
    ['TRACE is no method', [get('/v1/models', '', 'TRACE')], [405, 'method_not_allowed']],
    ['dots in a path are resolved', [get('/v1/videos/../models/none')], [404, 'model_not_found']],
    ['percent-encoding in a path is the character', [get('/v1/%6dodels/none')], [404, 'model_not_found']],
    ['raw UTF-8 in a path is a name', [get('/v1/models/\xe4')], [404, 'model_not_found']],
    ['an absolute address is its path', [get('http://elsewhere.invalid/v1/models/none')], [404, 'model_not_found']],
    ['a header of 200 KB', [get('/v1/videos', `x: ${'a'.repeat(200_000)}\r\n`)], [431, 'headers_too_large']],
    ['1,000 headers', [get('/v1/videos', 'x-long-header: aaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(1000))], [431, 'headers_too_large']],
    ['a length over the limit', [post(`Content-Length: ${limits.bodyBytes + 1}\r\n`)], [413, 'body_too_large']],
    ['a length of 2^63 - 1', [post('Content-Length: 9223372036854775807\r\n')], [413, 'body_too_large']],
    ['a body that is less than its length, then half a connection', [post('Content-Length: 9\r\n', '{'), 'end'], [400, 'body_incomplete']],
    ['chunks that are none', [chunked('zz\r\n{}\r\n0\r\n\r\n')], [400, 'body_incomplete']],
    ['chunks that end early', [chunked('5\r\n{\r\n'), 'end'], [400, 'body_incomplete']],
    ['chunks of nothing', [chunked('0\r\n\r\n')], [400, 'body_empty']],
    ['a body in slow pieces is read', [chunked(''), 50, '1\r\n{\r\n', 50, '1\r\n!\r\n', 50, '0\r\n\r\n'], [400, 'json_invalid']],
    ['two requests at once are answered in order', [get('/v1/models/none') + get('/v1/videos/x')], [404, 'model_not_found'], [404, 'job_not_found']],
  ];

  for (const [name, pieces, ...expected] of byWorker) {
    it(name, async () => {
      const answers = answersIn((await sendRaw(address, pieces)).text);
      expect(answers.map(({ status, code }) => [status, code])).toEqual(expected);
      for (const { requestId } of answers) expect(requestId).not.toBeNull();
    });
  }

  // biome-ignore format: a row is a line
  const byRuntime: [name: string, pieces: RawPiece[], status: number][] = [
    ['a URL of 70 KB', [get(`/v1/videos?after=${'a'.repeat(70_000)}`)], 414],
    ['a zero byte in the path', [get('/v1/models/a\0b')], 400],
    ['a zero byte in a header', [get('/v1/models', 'x: a\0b\r\n')], 400],
    ['a path without a slash', [get('v1/models')], 400],
    ['no version', ['GET /v1/models\r\n\r\n'], 400],
    ['no host', ['GET /v1/models HTTP/1.1\r\n\r\n'], 400],
    ['bytes that are no request', [Uint8Array.of(0, 1, 2, 255, 13, 10, 13, 10)], 400],
    ['a header without a colon', [get('/v1/models', 'nonsense\r\n')], 400],
    ['a length that is no number', [post('Content-Length: x\r\n')], 400],
    ['a length of 20 digits', [post('Content-Length: 99999999999999999999\r\n')], 400],
    ['two lengths', [post('Content-Length: 2\r\nContent-Length: 3\r\n', '{}x')], 400],
  ];

  it.each(byRuntime)('the runtime itself refuses %s', async (_, pieces, status) => {
    const [answer] = answersIn((await sendRaw(address, pieces)).text);
    expect(answer).toMatchObject({ status, requestId: null });
  });

  it('a body that does not come is given up after the limit, while others are answered', async () => {
    const slow = sendRaw(address, [post('Content-Length: 9\r\n', '{')], (limits.bodySeconds + 10) * 1000);
    expect((await client.retrieve(ids.completed)).status).toBe('completed');
    expect(answersIn((await slow).text)).toMatchObject([{ status: 408, code: 'request_timeout' }]);
  });

  it.each([
    ['too large', limits.bodyBytes + 1, authorized, [413, 'body_too_large', null]],
    ['three times too large', 3 * limits.bodyBytes, authorized, [413, 'body_too_large', null]],
    ['without a key', limits.bodyBytes, {}, [401, 'auth_missing', null]],
  ])(
    'a body %s is refused with an answer, not with a cut connection',
    async (_, length, headers, expected) => {
      const refused = Array.from({ length: 10 }, () => {
        const init = { method: 'POST', body: new Uint8Array(length) };
        return refusal(fetch(`${address}/v1/videos`, { ...init, headers: { ...headers, ...json } }));
      });
      for (const answer of await Promise.all(refused)) expect(answer).toEqual(expected);
    },
  );

  it('20,000 keys of one form field are read at once', async () => {
    const form = new FormData();
    for (let i = 0; i < 20_000; i++) form.append(`metadata[key-${i}]`, '');
    const body = await new Response(form).blob();
    const before = cpuSeconds(runtime.pid);
    const answer = fetch(`${address}/v1/videos`, { method: 'POST', body, headers: authorized });
    expect(await refusal(answer)).toEqual([422, 'out_of_range', 'metadata']);
    expect(cpuSeconds(runtime.pid) - before).toBeLessThan(3);
  });

  it('nothing of all this was a fault, and nothing was made', async () => {
    expect(runtime.log.filter((line) => !line.includes('Uncaught exception'))).toEqual([]);
    expect((await client.list()).data.map(({ id }) => id).toSorted()).toEqual(Object.values(ids).toSorted());
  });
});
