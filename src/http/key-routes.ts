import { z } from 'zod';
import { keyIdPattern } from '../access/api-key.ts';
import type { ShownKey } from '../access/key-ring.ts';
import { type ApiKey, ApiKeyDeleted, ApiKeyList, KeyRequest, NewApiKey } from '../contract/access.ts';
import { Failure } from '../contract/failure.ts';
import { examples } from './examples.ts';
import { listOf, pageFields } from './page-fields.ts';
import { type Route, route } from './route.ts';

const { after, ...pages } = pageFields('key');

const ListQuery = z.strictObject({
  ...pages,
  after: z
    .string()
    .regex(keyIdPattern, 'must be the id of a key')
    .optional()
    .describe(after.description ?? ''),
  account: z.string().optional().describe('Keys of this account alone.'),
});

const administration = { chapter: 'Keys', scope: 'admin' } as const;

/** Who runs the service gives keys to those who use it. */
export const keyRoutes: readonly Route[] = [
  route({
    ...administration,
    method: 'POST',
    path: '/v1/keys',
    name: 'createKey',
    summary: 'Makes a key',
    description: 'The answer is the only one that has the key itself: its SHA-256 is all that is kept.',
    body: { schema: KeyRequest, isOptional: true },
    answer: { description: 'The new key.', content: { 'application/json': NewApiKey } },
    failures: [],
    examples: examples.createKey,
    handle: async ({ env: { keys } }, { body }) => {
      const { shown, key } = await keys.create(body);
      return Response.json({ ...keyJson(shown), key } satisfies NewApiKey);
    },
  }),
  route({
    ...administration,
    method: 'GET',
    path: '/v1/keys',
    name: 'listKeys',
    summary: 'Lists the keys of all accounts, or of one',
    query: ListQuery,
    answer: { description: 'One page.', content: { 'application/json': ApiKeyList } },
    failures: [],
    examples: examples.listKeys,
    handle: async ({ env: { keys } }, { query }) => {
      const { account = null, limit, order } = query;
      const page = await keys.list({ account, after: query.after ?? null, limit, order });
      const data = page.keys.map(keyJson);
      return Response.json(listOf(data, page.hasMore) satisfies ApiKeyList);
    },
  }),
  route({
    ...administration,
    method: 'DELETE',
    path: '/v1/keys/{id}',
    name: 'revokeKey',
    summary: 'Revokes a key',
    description: 'It is refused from then on. Links that its account was given stay valid until they expire.',
    parameters: { id: 'Id of a key.' },
    answer: { description: 'It is revoked.', content: { 'application/json': ApiKeyDeleted } },
    failures: ['key_not_found'],
    examples: examples.revokeKey,
    handle: async ({ env: { keys } }, { path: { id } }) => {
      if (!(await keys.revoke(id)))
        throw new Failure('key_not_found', `There is no key "${id}"; GET /v1/keys lists them.`);
      return Response.json({ id, object: 'api_key.deleted', deleted: true } satisfies ApiKeyDeleted);
    },
  }),
];

function keyJson({ id, account, name, scopes, prefix, createdAt }: ShownKey): ApiKey {
  const created_at = Math.floor(createdAt / 1000);
  return { id, object: 'api_key', account, name, scopes: [...scopes], prefix, created_at };
}
