import { describe, expect, it } from 'vitest';
import { limits } from '../../src/contract/config.ts';
import { authorized, serviceKey } from '../service-key.ts';
import { refusal, TestService } from './test-service.ts';

const service = new TestService();

/** What a client that may not call is told of how it may. */
async function challenge(path: string, authorization?: string): Promise<string | null> {
  const answer = await service.ask(path, authorization === undefined ? {} : { headers: { authorization } });
  return answer.headers.get('www-authenticate');
}

describe('who asks', () => {
  it('without a valid key is told that one is needed, and what was wrong with it', async () => {
    expect(await challenge('/v1/videos')).toBe('Bearer realm="magi"');
    expect(await challenge('/v1/videos', 'Basic x')).toBe('Bearer realm="magi"');
    expect(await challenge('/v1/videos', 'Bearer x')).toBe('Bearer realm="magi", error="invalid_token"');
    expect(await challenge('/v1/videos?key=x')).toBe('Bearer realm="magi", error="invalid_request"');
    expect(await challenge('/v1/videos', authorized.authorization)).toBeNull();
  });

  it('with a key is let in, however the scheme is spelled', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER', ' Bearer ']) {
      const headers = { authorization: `${scheme} ${serviceKey}` };
      expect((await service.ask('/v1/videos', { headers })).status).toBe(200);
    }
  });

  it('is looked at after the route and the sizes, and before the body', async () => {
    expect(await refusal(service.ask('/v1/none'))).toEqual([404, 'route_not_found', null]);
    const wrongMethod = service.ask('/v1/videos', { method: 'PUT' });
    expect(await refusal(wrongMethod)).toEqual([405, 'method_not_allowed', null]);
    const long = service.ask(`/v1/videos?after=${'a'.repeat(limits.urlBytes)}`);
    expect(await refusal(long)).toEqual([414, 'uri_too_long', null]);
    const headers = { 'content-type': 'text/plain' };
    const init = { method: 'POST', body: '{', headers };
    expect(await refusal(service.ask('/v1/videos', init))).toEqual([401, 'auth_missing', null]);
    const known = { ...init, headers: { ...headers, ...authorized } };
    expect(await refusal(service.ask('/v1/videos', known))).toEqual([415, 'media_type', null]);
  });

  it('needs no key for the description of the API', async () => {
    expect((await service.ask('/openapi.json')).status).toBe(200);
  });
});
