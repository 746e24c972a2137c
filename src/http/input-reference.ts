import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';
import type { VideoRequest } from '../contract/video-request.ts';
import { corruptImage } from '../media/image-header.ts';
import { boundedBody, drop, type Fetch, publicFetch } from '../outbound/public-fetch.ts';

/**
 * The image file of a request: as sent, out of its data: URL (RFC 2397), or from its https: URL; null where there is
 * none.
 * @throws Failure image_corrupt, url_scheme, url_host, url_credentials, url_port, out_of_range, url_redirect,
 *   url_unreachable, url_body_too_large
 */
export async function referenceBytes(
  reference: VideoRequest['input_reference'],
  fetch: Fetch,
): Promise<Uint8Array | null> {
  if (reference === undefined) return null;
  if (reference instanceof Uint8Array) return reference;
  const url = typeof reference === 'string' ? reference : reference.image_url;
  const param = typeof reference === 'string' ? 'input_reference' : 'input_reference.image_url';
  const match = /^data:([^,]*),(.*)$/is.exec(url);
  if (match === null) return fetchedBytes(fetch, url, param);
  const [, mediaType, data] = match as unknown as [string, string, string];
  return /;base64$/i.test(mediaType.trim()) ? base64Bytes(data) : percentBytes(data);
}

async function fetchedBytes(fetch: Fetch, url: string, param: string): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(limits.imageFetchSeconds * 1000);
  const headers = { accept: 'image/png, image/jpeg, image/webp', 'accept-encoding': 'identity' };
  const request = { url, param, method: 'GET', headers, signal } as const;
  const response = await publicFetch(fetch, request);
  if (response.ok) return boundedBody(response, limits.bodyBytes, request);
  drop(response);
  const message = `${param} answers with status ${response.status}; it must give the image to anybody who asks.`;
  throw new Failure('url_unreachable', message, param);
}

function base64Bytes(data: string): Uint8Array {
  try {
    return Uint8Array.from(atob(data.trim()), (character) => character.charCodeAt(0));
  } catch {
    throw corruptImage('the data: URL is not valid base64');
  }
}

function percentBytes(data: string): Uint8Array {
  const plain = data.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}
