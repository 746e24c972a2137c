import { describe, expect, it } from 'vitest';
import { encodePng } from '../../src/media/png.ts';
import { disc } from '../media/sample-image.ts';
import { TestService } from './test-service.ts';

const origin = 'https://app.example.org';

describe('every answer', () => {
  it('keeps browsers from running, framing, guessing and storing it', async () => {
    const service = new TestService();
    const answers = [
      await service.request('/v1/models'),
      await service.request('/nothing'),
      await service.request('/v1/videos', { method: 'PUT' }),
      await service.postText('{'),
    ];
    for (const { headers } of answers) {
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.*frame-ancestors 'none'/);
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });

  it('lets pages of other origins show frames and videos', async () => {
    const service = new TestService();
    const { id } = await service.created();
    service.jobs.commit(id, [encodePng(disc(8, 6))], 'completed');
    for (const path of ['content', 'frames/0.png']) {
      const { status, headers } = await service.request(`/v1/videos/${id}/${path}`);
      expect([status, headers.get('cross-origin-resource-policy')]).toEqual([200, 'cross-origin']);
    }
  });

  it('asks browsers to stay with https where it came over https', async () => {
    const service = new TestService();
    const over = async (scheme: string) =>
      (await service.send(new Request(`${scheme}://service.invalid/v1/models`))).headers.get(
        'strict-transport-security',
      );
    expect([await over('https'), await over('http')]).toEqual(['max-age=31536000', null]);
  });
});

describe('a page of another origin', () => {
  const preflight = {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,idempotency-key',
    },
  };
  const crossOrigin = (response: Response) =>
    [...response.headers].filter(([name]) => name.startsWith('access-control-'));

  it('is told nothing where no origin is configured', async () => {
    const service = new TestService();
    const answer = await service.request('/v1/videos', preflight);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, GET, HEAD']);
    expect(crossOrigin(answer)).toEqual([]);
    expect(crossOrigin(await service.request('/v1/models', { headers: { origin } }))).toEqual([]);
  });

  it('of a configured origin may call every route and read every header, without credentials', async () => {
    const service = new TestService({ allowedOrigins: ['https://other.example', origin] });
    const answer = await service.request('/v1/videos', preflight);
    expect(answer.status).toBe(204);
    expect(Object.fromEntries(crossOrigin(answer))).toEqual({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET,HEAD,POST,DELETE',
      'access-control-allow-headers': '*,authorization',
      'access-control-expose-headers': '*',
      'access-control-max-age': '7200',
    });
    expect(answer.headers.get('vary')).toContain('Origin');
    const refused = await service.request('/nothing', { headers: { origin } });
    expect([refused.status, ...crossOrigin(refused)]).toEqual([
      404,
      ['access-control-allow-origin', origin],
      ['access-control-expose-headers', '*'],
    ]);
    expect(refused.headers.get('vary')).toBe('Origin');
  });

  it('of an origin that is not configured is not allowed, however similar it is', async () => {
    const service = new TestService({ allowedOrigins: [origin] });
    for (const other of ['null', `${origin}.evil.example`, 'http://app.example.org', origin.toUpperCase()]) {
      const headers = { ...preflight.headers, origin: other };
      const answers = [
        await service.request('/v1/videos', { ...preflight, headers }),
        await service.request('/v1/models', { headers: { origin: other } }),
      ];
      for (const answer of answers) expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('of any origin may call where the configuration says so', async () => {
    const service = new TestService({ allowedOrigins: ['*'] });
    const answer = await service.request('/v1/models', { headers: { origin } });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  });
});
