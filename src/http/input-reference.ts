import { Failure } from '../contract/failure.ts';
import type { VideoRequest } from '../contract/video-request.ts';
import { corruptImage } from '../media/image-header.ts';

/**
 * The image file of a request: as sent, or out of its data: URL (RFC 2397); null where there is none.
 * @throws Failure url_scheme, image_corrupt
 */
export function referenceBytes(reference: VideoRequest['input_reference']): Uint8Array | null {
  if (reference === undefined) return null;
  if (reference instanceof Uint8Array) return reference;
  const url = typeof reference === 'string' ? reference : reference.image_url;
  const param = typeof reference === 'string' ? 'input_reference' : 'input_reference.image_url';
  const match = /^data:([^,]*),(.*)$/is.exec(url);
  if (match === null) {
    throw new Failure(
      'url_scheme',
      `${param} must be a data: URL with the image in it; other URLs are not fetched.`,
      param,
    );
  }
  const [, mediaType, data] = match as unknown as [string, string, string];
  return /;base64$/i.test(mediaType.trim()) ? base64Bytes(data) : percentBytes(data);
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
