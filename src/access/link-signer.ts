import { accountPattern } from '../contract/access.ts';
import { base64Url } from '../contract/key-text.ts';

const hourSeconds = 3600;

/** Signs links that open one video, for reading alone, until they expire. */
export interface LinkSigner {
  /** The token of a link to a video, without the need to escape it in a URL. */
  sign(account: string, videoId: string): Promise<string>;
  /** Whose video a token opens. */
  verify(token: string, videoId: string): Promise<LinkVerdict>;
}

type LinkVerdict = { readonly account: string } | 'invalid' | 'expired';

export interface LinkSurroundings {
  /** The first one signs; all are believed. */
  readonly secrets: readonly string[];
  /** A token is valid for at least so long, and at most an hour longer. */
  readonly hours: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/**
 * Tokens of the form expiry.account.signature: the expiry in Unix seconds, the signature HMAC-SHA-256 over both and
 * the video's id. Expiries are whole hours, so that a link stays the same for an hour and browsers can cache it.
 */
export function linkSigner({ secrets, hours, clock }: LinkSurroundings): LinkSigner {
  const keys: CryptoKey[] = [];
  const key = async (at: number) => (keys[at] ??= await hmacKey(secrets[at] as string));
  return {
    async sign(account, videoId) {
      if (secrets.length === 0) throw new Error('there is no secret to sign links with');
      const expiry = (Math.ceil(clock() / 1000 / hourSeconds) + hours) * hourSeconds;
      const signature = await crypto.subtle.sign('HMAC', await key(0), message(expiry, account, videoId));
      return `${expiry}.${account}.${base64Url(new Uint8Array(signature))}`;
    },
    async verify(token, videoId) {
      const [expiry = '', account = '', text = '', ...more] = token.split('.');
      const signature = signatureBytes(text);
      if (
        more.length > 0 ||
        signature === null ||
        !/^[1-9]\d{0,11}$/.test(expiry) ||
        !accountPattern.test(account)
      )
        return 'invalid';
      const signed = message(Number(expiry), account, videoId);
      for (const at of secrets.keys())
        if (await crypto.subtle.verify('HMAC', await key(at), signature, signed))
          return clock() < Number(expiry) * 1000 ? { account } : 'expired';
      return 'invalid';
    },
  };
}

function hmacKey(secret: string): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(secret);
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
}

function message(expiry: number, account: string, videoId: string): Uint8Array {
  return new TextEncoder().encode(`magi link 1\n${expiry}\n${account}\n${videoId}`);
}

/** Null for what is not the base64url of 32 bytes. */
function signatureBytes(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return null;
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = new Uint8Array(Array.from(binary, (character) => character.charCodeAt(0)));
  // The last character has two bits that mean nothing: of its four spellings one is taken.
  return base64Url(bytes) === text ? bytes : null;
}
