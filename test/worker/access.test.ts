import { listDurableObjectIds, SELF } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { NewApiKey, Scope } from '../../src/contract/access.ts';
import { ErrorBody, Video, VideoList } from '../../src/contract/job.ts';
import type { Route } from '../../src/http/route.ts';
import { routes } from '../../src/http/route-table.ts';
import { serviceKey } from '../service-key.ts';
import { client, finished, small } from './service.ts';

/** A request to a route that its own account is granted. */
interface Granted {
  readonly path: (id: string) => string;
  readonly body?: (id: string) => unknown;
  /** What another account is answered: that there is no such video, or what belongs to itself. */
  readonly stranger: 'job_not_found' | 'own';
  /** What its own account is answered; 200 by default. */
  readonly status?: 404 | 409;
}

const video = (end: string, body?: unknown): Granted => ({
  path: (id) => `/v1/videos/${id}${end}`,
  ...(body !== undefined && { body: () => body }),
  stranger: 'job_not_found',
});

const own = (path: string, body?: unknown): Granted => ({
  path: () => path,
  ...(body !== undefined && { body: () => body }),
  stranger: 'own',
});

/** A video that is finished does not take it. */
const finishedVideo = (end: string): Granted => ({ ...video(end), status: 409 });

/** One request for every route. */
const requests: Record<string, Granted> = {
  'POST /v1/videos': own('/v1/videos', { model: 'nano', frames: 1, decode_steps: 1, head_steps: 1 }),
  'GET /v1/videos': own('/v1/videos'),
  'GET /v1/videos/{id}': video(''),
  'DELETE /v1/videos/{id}': video(''),
  'GET /v1/videos/{id}/content': video('/content'),
  'GET /v1/videos/{id}/events': video('/events'),
  'GET /v1/videos/{id}/frames/{n}.png': video('/frames/0.png'),
  'POST /v1/videos/extensions': {
    path: () => '/v1/videos/extensions',
    body: (id) => ({ video: { id }, frames: 1 }),
    stranger: 'job_not_found',
  },
  'POST /v1/videos/{id}/extend': video('/extend', { frames: 1 }),
  'POST /v1/videos/{id}/fork': video('/fork', { frames: 2 }),
  'POST /v1/videos/{id}/pause': finishedVideo('/pause'),
  'POST /v1/videos/{id}/resume': finishedVideo('/resume'),
  'POST /v1/videos/{id}/cancel': finishedVideo('/cancel'),
  'POST /v1/videos/{id}/webhook': video('/webhook', { webhook_url: 'https://receiver.example.org/magi' }),
  'GET /v1/account/webhook_secret': own('/v1/account/webhook_secret'),
  'POST /v1/account/webhook_secret/rotate': own('/v1/account/webhook_secret/rotate'),
  'POST /v1/quotes': own('/v1/quotes', { model: 'nano', frames: 1 }),
  'GET /v1/account': own('/v1/account'),
  'GET /v1/account/ledger': own('/v1/account/ledger'),
  'POST /v1/account/topup': own('/v1/account/topup', { credits: 1, reference: 'access' }),
  'GET /v1/models': own('/v1/models'),
  'GET /v1/models/{id}': own('/v1/models/nano'),
  'POST /v1/keys': own('/v1/keys', {}),
  'GET /v1/keys': own('/v1/keys'),
  'DELETE /v1/keys/{id}': { ...own(`/v1/keys/key_${'0'.repeat(32)}`), status: 404 },
};

const nameOf = ({ method, path }: Route) => `${method} ${path}`;
const closed = routes.filter(({ scope }) => scope !== null);
const table = closed.map((route) => [nameOf(route), route] as const);
const keyed = (key: string) => ({ authorization: `Bearer ${key}` });

function requestOf(route: Route): Granted {
  const granted = requests[nameOf(route)];
  if (granted === undefined) throw new Error(`${nameOf(route)} is not in the table of this test`);
  return granted;
}

function send(route: Route, id: string, headers: Record<string, string>, query = ''): Promise<Response> {
  const { path, body } = requestOf(route);
  return SELF.fetch(`http://service.invalid${path(id)}${query}`, {
    method: route.method,
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body(id)) }),
  });
}

async function refused(answer: Promise<Response>): Promise<[number, string]> {
  const { status, body } = await answer.then(async (got) => ({ status: got.status, body: await got.json() }));
  return [status, ErrorBody.parse(body).error.code];
}

async function newKey(scopes: readonly Scope[], account?: string): Promise<NewApiKey> {
  const answer = await SELF.fetch('http://service.invalid/v1/keys', {
    method: 'POST',
    headers: { ...keyed(serviceKey), 'content-type': 'application/json' },
    body: JSON.stringify({ scopes, account }),
  });
  return NewApiKey.parse(await answer.json());
}

/** The token of a video's links. */
function tokenOf({ links }: Video): string {
  return new URL(links.content, 'http://service.invalid').searchParams.get('token') as string;
}

/** An id of the right form that no video ever had. */
const unknownId = (id: string) =>
  id.replace(/.{8}$/, (end) => (end === '00000000' ? '11111111' : '00000000'));

describe('every route', () => {
  let id: string;
  let other: NewApiKey;
  let revoked: NewApiKey;

  beforeAll(async () => {
    id = (await finished((await client.create({ ...small, frames: 1 })).id)).id;
    other = await newKey(Scope.options);
    revoked = await newKey(Scope.options, 'local');
    await SELF.fetch(`http://service.invalid/v1/keys/${revoked.id}`, {
      method: 'DELETE',
      headers: keyed(serviceKey),
    });
  });

  it('is in the table of this test, and nothing else is', () => {
    expect(Object.keys(requests).sort()).toEqual(closed.map(nameOf).sort());
  });

  it.each(table)('%s refuses a request without a key', async (_, route) => {
    expect(await refused(send(route, id, {}))).toEqual([401, 'auth_missing']);
  });

  it.each(table)('%s refuses a revoked key', async (_, route) => {
    expect(await refused(send(route, id, keyed(revoked.key)))).toEqual([401, 'key_invalid']);
  });

  it.each(table)('%s refuses a key without its scope', async (_, route) => {
    const { key } = await newKey(
      Scope.options.filter((scope) => scope !== route.scope),
      'local',
    );
    expect(await refused(send(route, id, keyed(key)))).toEqual([403, 'scope_denied']);
  });

  it.each(table)('%s refuses a signed link of another video', async (_, route) => {
    const token = tokenOf(await client.create({ ...small, frames: 1 }));
    const expected = route.takesLink ? [403, 'link_invalid'] : [401, 'auth_missing'];
    expect(await refused(send(route, id, {}, `?token=${token}`))).toEqual(expected);
  });

  it.each(table)(
    '%s grants a signed link of its own video what it grants at all: to look',
    async (_, route) => {
      const token = tokenOf(await client.retrieve(id));
      const answer = await send(route, id, {}, `?token=${token}`);
      expect(answer.status).toBe(route.takesLink ? 200 : 401);
      await answer.body?.cancel();
    },
  );

  it.each(table)('%s shows and does nothing of another account', async (_, route) => {
    const before = (await listDurableObjectIds(env.JOBS)).length;
    const answer = await send(route, id, keyed(other.key));
    if (requestOf(route).stranger === 'own') {
      expect(await answer.text()).not.toContain(id);
      return;
    }
    const unknown = await send(route, unknownId(id), keyed(other.key));
    expect([answer.status, unknown.status]).toEqual([404, 404]);
    const body = await answer.text();
    expect(body).toContain('"job_not_found"');
    expect(body).toBe((await unknown.text()).replaceAll(unknownId(id), id));
    expect((await listDurableObjectIds(env.JOBS)).length).toBe(before);
  });

  it.each(table)('%s grants its own account what it refuses others', async (_, route) => {
    const { id: finishedId } = await finished((await client.create({ ...small, frames: 1 })).id);
    const { status } = await send(route, finishedId, keyed(serviceKey));
    expect(status).toBe(requestOf(route).status ?? 200);
  });
});

it('knows a video by one spelling of its id alone', async () => {
  const { id } = await client.create({ ...small, frames: 1 });
  const capitals = id.replace(/[^_]*$/, (hex) => hex.toUpperCase());
  const asked = (method: string, end: string, body?: unknown) =>
    SELF.fetch(`http://service.invalid/v1/videos/${capitals}${end}`, {
      method,
      headers: { ...keyed(serviceKey), 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  expect(await refused(asked('GET', ''))).toEqual([404, 'job_not_found']);
  expect(await refused(asked('POST', '/extend', { frames: 1 }))).toEqual([404, 'job_not_found']);
  expect(await refused(asked('DELETE', ''))).toEqual([404, 'job_not_found']);
});

describe('another account', () => {
  it('lists its own videos alone, and can name no other as the start of a page', async () => {
    const { key } = await newKey(Scope.options);
    const mine = await client.create({ ...small, frames: 1 });
    const asked = (query: string) =>
      SELF.fetch(`http://service.invalid/v1/videos${query}`, { headers: keyed(key) });
    expect(VideoList.parse(await (await asked('')).json()).data).toEqual([]);
    const answer = await SELF.fetch('http://service.invalid/v1/videos', {
      method: 'POST',
      headers: { ...keyed(key), 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'nano', frames: 1, decode_steps: 1, head_steps: 1 }),
    });
    const theirs = Video.parse(await answer.json());
    expect(VideoList.parse(await (await asked('')).json()).data.map(({ id }) => id)).toEqual([theirs.id]);
    expect((await client.list({ limit: 100 })).data.map(({ id }) => id)).not.toContain(theirs.id);
    expect(await refused(asked(`?after=${mine.id}`))).toEqual([404, 'job_not_found']);
    await expect(client.retrieve(theirs.id)).rejects.toMatchObject({ status: 404, code: 'job_not_found' });
  });

  it('is told of the frames of its own videos', async () => {
    const { key, account } = await newKey(Scope.options);
    const answer = await SELF.fetch('http://service.invalid/v1/videos', {
      method: 'POST',
      headers: { ...keyed(key), 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'nano', frames: 3, decode_steps: 1, head_steps: 1 }),
    });
    const { id } = Video.parse(await answer.json());
    const hold = (name: string) => env.ACCOUNTS.get(env.ACCOUNTS.idFromName(name)).hold(id, 0);
    await expect.poll(() => hold(account), { timeout: 20_000 }).toMatchObject({ captured: 3, isEnded: true });
    expect(await hold('local')).toBeNull();
  });
});
