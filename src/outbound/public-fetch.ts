import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';
import { urlProblem } from '../contract/public-url.ts';

/** What carries a request to the network. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A call to a stranger's URL. */
export interface PublicRequest {
  readonly url: string;
  /** Field that the URL came in, for messages. */
  readonly param: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Ends the call, the reading of its answer included. */
  readonly signal: AbortSignal;
}

/** A GET is sent on by each of these, a POST by the last two alone: after the others it would become a GET. */
const redirects = { GET: [301, 302, 303, 307, 308], POST: [307, 308] };

/**
 * Calls a stranger's URL. It is checked now, whenever it was checked before, and so is everything that it redirects to.
 * @returns the answer, whatever its status; its body is not read yet
 * @throws Failure url_scheme, url_host, url_credentials, url_port, out_of_range, url_redirect, url_unreachable
 */
export async function publicFetch(fetch: Fetch, request: PublicRequest): Promise<Response> {
  const { param, method, headers, body, signal } = request;
  const problem = urlProblem(request.url);
  if (problem !== null) throw new Failure(problem.code, `${param} ${problem.message}.`, param);
  const init = {
    ...{ method, headers, signal, redirect: 'manual' as const },
    ...(body === undefined ? {} : { body }),
  };
  let { href: url } = new URL(request.url);
  for (let hops = 0; ; hops++) {
    const response = await reached(fetch(url, init), request);
    const location = response.headers.get('location');
    if (location === null || !redirects[method].includes(response.status)) return response;
    drop(response);
    if (hops === limits.urlRedirects)
      throw new Failure('url_redirect', `${param} redirects more than ${limits.urlRedirects} times.`, param);
    url = redirected(location, url, param);
  }
}

/**
 * Reads an answer to its end.
 * @throws Failure url_body_too_large, url_unreachable
 */
export async function boundedBody(
  response: Response,
  maximumBytes: number,
  request: Pick<PublicRequest, 'param' | 'signal'>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { body } = response;
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const declared = Number(response.headers.get('content-length') ?? 0);
  if (declared > maximumBytes) throw tooLarge(response, maximumBytes, request.param);
  if (body === null) return new Uint8Array(0);
  const reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> = body.getReader();
  for (let length = 0; ; ) {
    const piece = await reached(reader.read(), request);
    if (piece.done) return new Uint8Array(await new Blob(pieces).arrayBuffer());
    length += piece.value.length;
    if (length > maximumBytes) {
      reader.releaseLock();
      throw tooLarge(response, maximumBytes, request.param);
    }
    pieces.push(piece.value);
  }
}

/** Gives up the connection of an answer that nobody reads. */
export function drop(response: Response): void {
  void response.body?.cancel().catch(() => undefined);
}

function redirected(location: string, from: string, param: string): string {
  const target = URL.parse(location, from)?.href ?? location;
  const problem = urlProblem(target);
  if (problem === null) return target;
  const message = `${param} redirects to a URL that is not called: it ${problem.message}.`;
  throw new Failure('url_redirect', message, param);
}

function tooLarge(response: Response, maximumBytes: number, param: string): Failure {
  drop(response);
  const message = `${param} answers with more than ${maximumBytes} bytes; name something smaller.`;
  return new Failure('url_body_too_large', message, param);
}

/** Why nothing came is told without what the network said: that is not for strangers. */
async function reached<T>(
  answer: Promise<T>,
  { param, signal }: Pick<PublicRequest, 'param' | 'signal'>,
): Promise<T> {
  try {
    return await answer;
  } catch {
    const reason = signal.aborted ? 'did not answer in time' : 'could not be reached';
    throw new Failure('url_unreachable', `${param} ${reason}; check that the address answers.`, param);
  }
}
