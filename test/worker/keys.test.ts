import { evictDurableObject, listDurableObjectIds, runInDurableObject, SELF } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { lookupOfId } from '../../src/access/api-key.ts';
import { type ApiKey, ApiKeyList, NewApiKey } from '../../src/contract/access.ts';
import { ErrorBody } from '../../src/contract/job.ts';
import { serviceKey } from '../service-key.ts';

function asked(key: string, path: string, method = 'GET', body?: unknown): Promise<Response> {
  return SELF.fetch(`http://service.invalid${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

async function made(body: unknown = {}): Promise<NewApiKey> {
  return NewApiKey.parse(await (await asked(serviceKey, '/v1/keys', 'POST', body)).json());
}

async function page(query: string): Promise<ApiKeyList> {
  return ApiKeyList.parse(await (await asked(serviceKey, `/v1/keys?${query}`)).json());
}

async function refused(answer: Promise<Response>): Promise<[number, string, string | null]> {
  const { status, ...response } = await answer.then(async (got) => ({
    status: got.status,
    body: await got.json(),
  }));
  const { code, param } = ErrorBody.parse(response.body).error;
  return [status, code, param];
}

/** Every value in the storage of all parts of the key ring. */
async function everythingStored(): Promise<unknown[]> {
  const parts = await listDurableObjectIds(env.KEYS);
  const rows = parts.map((id) =>
    runInDurableObject(env.KEYS.get(id), (_, { storage }) =>
      [...storage.sql.exec('SELECT * FROM key')].flatMap((row) => Object.values(row)),
    ),
  );
  return (await Promise.all(rows)).flat();
}

describe('a key', () => {
  it('is of a new account and may read and generate, unless asked otherwise', async () => {
    const key = await made();
    expect(key).toMatchObject({ object: 'api_key', name: '', scopes: ['read', 'generate'] });
    expect(key.account).toMatch(/^acct_[0-9a-f]{32}$/);
    expect(key.key).toMatch(/^magi_[A-Za-z0-9_-]{43}$/);
    expect(key.key.startsWith(key.prefix)).toBe(true);
    expect(Math.abs(key.created_at - Date.now() / 1000)).toBeLessThan(60);
    expect((await made()).account).not.toBe(key.account);
    const asOrdered = { account: 'acme', name: 'Ada', scopes: ['read'] };
    expect(await made(asOrdered)).toMatchObject(asOrdered);
  });

  it('opens what its scopes say, also after its object left memory, until it is revoked', async () => {
    const { id, key } = await made({ scopes: ['read'] });
    expect((await asked(key, '/v1/videos')).status).toBe(200);
    await evictDurableObject(env.KEYS.get(env.KEYS.idFromName(`keys-${lookupOfId(id)?.[0]}`)));
    expect((await asked(key, '/v1/videos')).status).toBe(200);
    expect(await refused(asked(key, '/v1/videos', 'POST', {}))).toEqual([403, 'scope_denied', null]);
    expect(await refused(asked(key, '/v1/keys'))).toEqual([403, 'scope_denied', null]);
    expect(await (await asked(serviceKey, `/v1/keys/${id}`, 'DELETE')).json()).toEqual({
      id,
      object: 'api_key.deleted',
      deleted: true,
    });
    expect(await refused(asked(key, '/v1/videos'))).toEqual([401, 'key_invalid', null]);
    expect(await refused(asked(serviceKey, `/v1/keys/${id}`, 'DELETE'))).toEqual([
      404,
      'key_not_found',
      null,
    ]);
  });

  it('is nowhere stored, but its digest', async () => {
    const { key, prefix } = await made({ name: 'secret' });
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key));
    const values = await everythingStored();
    const blobs = values.filter((value) => value instanceof ArrayBuffer);
    expect(blobs.map((blob) => new Uint8Array(blob).toHex())).toContain(new Uint8Array(digest).toHex());
    const texts = values.filter((value) => typeof value === 'string');
    expect(texts).toContain(prefix);
    const secret = key.slice(prefix.length);
    expect(texts.filter((text) => text.includes(secret.slice(0, 8)))).toEqual([]);
  });

  it('that begins as another one does is not taken for it', async () => {
    const { key } = await made();
    const other = key.endsWith('A') ? 'B' : 'A';
    expect(await refused(asked(key.slice(0, -1) + other, '/v1/videos'))).toEqual([401, 'key_invalid', null]);
  });

  it('with the scope admin manages the keys of all accounts', async () => {
    const admin = await made({ scopes: ['admin'] });
    const answer = await asked(admin.key, '/v1/keys', 'POST', { account: 'acme' });
    const { id } = NewApiKey.parse(await answer.json());
    expect((await asked(admin.key, `/v1/keys/${id}`, 'DELETE')).status).toBe(200);
    expect(await refused(asked(admin.key, '/v1/videos'))).toEqual([403, 'scope_denied', null]);
  });
});

describe('the list of keys', () => {
  const account = 'listed';
  const ids = (list: ApiKeyList) => list.data.map(({ id }: ApiKey) => id);

  it('comes in pages, newest first or last, of one account or of all', async () => {
    const keys: string[] = [];
    for (let count = 0; count < 7; count++) {
      keys.push((await made({ account })).id);
      // Keys of one millisecond have no order.
      await scheduler.wait(2);
    }
    const first = await page(`account=${account}&limit=3`);
    expect([ids(first), first.has_more]).toEqual([keys.slice(4).reverse(), true]);
    const second = await page(`account=${account}&limit=3&after=${first.last_id}`);
    expect([ids(second), second.has_more]).toEqual([keys.slice(1, 4).reverse(), true]);
    await asked(serviceKey, `/v1/keys/${second.last_id}`, 'DELETE');
    const third = await page(`account=${account}&limit=3&after=${second.last_id}`);
    expect([ids(third), third.has_more]).toEqual([keys.slice(0, 1), false]);
    const rising = await page(`account=${account}&order=asc&limit=100`);
    expect([ids(rising), rising.has_more]).toEqual([keys.toSpliced(1, 1), false]);
    expect(ids(await page('limit=2'))).toEqual(keys.slice(5).reverse());
    expect(JSON.stringify(rising)).not.toMatch(/"key":|digest/);
    expect(rising.data[0]).toMatchObject({ account, scopes: ['read', 'generate'] });
  });

  it('refuses what is no page', async () => {
    for (const [query, field] of [
      ['limit=0', 'limit'],
      ['limit=101', 'limit'],
      ['order=up', 'order'],
      ['after=video_1', 'after'],
    ] as const)
      expect(await refused(asked(serviceKey, `/v1/keys?${query}`))).toEqual([422, 'out_of_range', field]);
    expect(await refused(asked(serviceKey, '/v1/keys?x=1'))).toEqual([422, 'unknown_field', 'x']);
  });
});

describe('a wish for a key', () => {
  it.each([
    [{ account: 'A' }, 'out_of_range', 'account'],
    [{ account: '' }, 'out_of_range', 'account'],
    [{ account: 'a'.repeat(65) }, 'out_of_range', 'account'],
    [{ account: 1 }, 'type_mismatch', 'account'],
    [{ name: 'n'.repeat(101) }, 'out_of_range', 'name'],
    [{ scopes: [] }, 'out_of_range', 'scopes'],
    [{ scopes: ['read', 'read'] }, 'out_of_range', 'scopes'],
    [{ scopes: ['write'] }, 'out_of_range', 'scopes[0]'],
    [{ scopes: 'read' }, 'type_mismatch', 'scopes'],
    [{ role: 'read' }, 'unknown_field', 'role'],
  ])('of %j is refused', async (body, code, field) => {
    expect(await refused(asked(serviceKey, '/v1/keys', 'POST', body))).toEqual([422, code, field]);
  });
});

it('however many keys strangers make up, there are never more objects than parts of the key ring', async () => {
  const known = (await listDurableObjectIds(env.ACCOUNTS)).length;
  const tries = Array.from({ length: 100 }, (_, index) =>
    refused(asked(`magi_${String(index).padStart(43, 'x')}`, '/v1/videos')),
  );
  for (const answer of await Promise.all(tries)) expect(answer).toEqual([401, 'key_invalid', null]);
  expect((await listDurableObjectIds(env.KEYS)).length).toBeLessThanOrEqual(16);
  expect((await listDurableObjectIds(env.ACCOUNTS)).length).toBe(known);
});
