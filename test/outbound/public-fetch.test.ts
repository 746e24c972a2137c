import type { ServerResponse } from 'node:http';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/contract/config.ts';
import { Failure } from '../../src/contract/failure.ts';
import { boundedBody, type PublicRequest, publicFetch } from '../../src/outbound/public-fetch.ts';
import { hostileUrls } from '../contract/hostile-urls.ts';
import { LoopbackReceiver, receiverHost } from './loopback-receiver.ts';

const receiver = await LoopbackReceiver.started();
const url = `https://${receiverHost}/start`;

beforeEach(() => {
  receiver.received.length = 0;
  receiver.called.length = 0;
});

afterAll(() => receiver.stop());

function request(changes: Partial<PublicRequest> = {}): PublicRequest {
  const signal = AbortSignal.timeout(5000);
  return { url, param: 'image_url', method: 'GET', headers: {}, signal, ...changes };
}

async function body(changes: Partial<PublicRequest> = {}, maximumBytes = 1000): Promise<string> {
  const asked = request(changes);
  const response = await publicFetch(receiver.fetch, asked);
  return new TextDecoder().decode(await boundedBody(response, maximumBytes, asked));
}

/** Code and field of the refusal. */
async function refused(answer: Promise<unknown>): Promise<[string, string | null] | 'not refused'> {
  try {
    await answer;
    return 'not refused';
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    expect(error.status).toBe(422);
    return [error.code, error.param];
  }
}

/** Redirects as long as it is asked for another path than /end. */
function redirecting(target: string, status = 302) {
  return ({ path }: { path: string }, response: ServerResponse) => {
    if (path === '/end') response.end('the end');
    else response.writeHead(status, { location: target }).end();
  };
}

describe('a call to a stranger', () => {
  it.each(hostileUrls)('never leaves for %j', async (hostile, code) => {
    expect(await refused(publicFetch(receiver.fetch, request({ url: hostile })))).toEqual([
      code,
      'image_url',
    ]);
    expect(receiver.called).toEqual([]);
  });

  it('brings what is there', async () => {
    receiver.answer = (_, response) => void response.end('an image');
    expect(await body({ headers: { accept: 'image/png' } })).toBe('an image');
    expect(receiver.received[0]).toMatchObject({ path: '/start', headers: { accept: 'image/png' } });
  });

  it.each([301, 302, 303, 307, 308])('follows a redirect of status %d', async (status) => {
    receiver.answer = redirecting('/end', status);
    expect(await body()).toBe('the end');
  });

  it.each(hostileUrls.map(([hostile]) => asHeader(hostile)))(
    'does not follow a redirect to %j',
    async (location) => {
      const called: string[] = [];
      const fetch = async (asked: string) => {
        called.push(asked);
        return new Response(null, called.length === 1 ? { status: 302, headers: { location } } : {});
      };
      const answer = await refused(publicFetch(fetch, request()));
      const others = called.slice(1).map((asked) => new URL(asked));
      // Some are another spelling of a harmless URL, or a path: those may be called as what they come to.
      if (others.length === 0 && location !== '') expect(answer).toEqual(['url_redirect', 'image_url']);
      for (const { protocol, host, username } of others)
        expect([protocol, host, username]).toEqual(['https:', receiverHost, '']);
    },
  );

  it('follows no more redirects than are allowed', async () => {
    const answers = (hops: number) => (_: unknown, response: ServerResponse) => {
      if (receiver.received.length > hops) response.end('the end');
      else response.writeHead(302, { location: `/hop-${receiver.received.length}` }).end();
    };
    receiver.answer = answers(limits.urlRedirects);
    expect(await body()).toBe('the end');
    receiver.received.length = 0;
    receiver.answer = answers(limits.urlRedirects + 1);
    expect(await refused(body())).toEqual(['url_redirect', 'image_url']);
    expect(receiver.received.length).toBe(limits.urlRedirects + 1);
  });

  it('sends a body on only where a redirect keeps the method', async () => {
    const post = { method: 'POST', body: 'news' } as const;
    receiver.answer = redirecting('/end', 307);
    expect(await body(post)).toBe('the end');
    expect(receiver.received[1]).toMatchObject({ method: 'POST', path: '/end', body: 'news' });
    receiver.answer = redirecting('/end', 302);
    expect((await publicFetch(receiver.fetch, request(post))).status).toBe(302);
    expect(receiver.received.length).toBe(3);
  });

  it('refuses an answer that is too large, declared or not', async () => {
    receiver.answer = (_, response) => void response.end('x'.repeat(1001));
    expect(await refused(body())).toEqual(['url_body_too_large', 'image_url']);
    receiver.answer = (_, response) => void response.end('x'.repeat(1000));
    expect((await body()).length).toBe(1000);
  });

  it('breaks an endless answer off', async () => {
    let isClosed: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => {
      isClosed = resolve;
    });
    receiver.answer = (_, response) => {
      const more = () => void response.write('x'.repeat(10_000), (error) => error ?? setImmediate(more));
      response.on('close', isClosed);
      more();
    };
    expect(await refused(body({}, 1_000_000))).toEqual(['url_body_too_large', 'image_url']);
    await closed;
  });

  it('ends in time where no answer comes, or not all of it', async () => {
    const late = () => ({ signal: AbortSignal.timeout(100) });
    receiver.answer = () => undefined;
    expect(await refused(body(late()))).toEqual(['url_unreachable', 'image_url']);
    receiver.answer = (_, response) => void response.write('a part');
    expect(await refused(body(late()))).toEqual(['url_unreachable', 'image_url']);
  });

  it('tells nobody what the network said', async () => {
    const secret = () => Promise.reject(new Error('connect ECONNREFUSED 10.1.2.3:443'));
    const failure = await publicFetch(secret, request()).catch((error: Error) => error);
    expect(failure).toBeInstanceOf(Failure);
    expect(String((failure as Failure).message)).toBe(
      'image_url could not be reached; check that the address answers.',
    );
  });
});

/** Headers carry bytes. */
function asHeader(text: string): string {
  return /^[\t\x20-\x7e]*$/.test(text) ? text : encodeURI(text);
}
