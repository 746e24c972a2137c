import { limits } from './config.ts';
import type { FailureCode } from './failure.ts';

/** Why a URL is not fetched. The message completes "<field> ...". */
export interface UrlProblem {
  readonly code: Extract<
    FailureCode,
    'url_scheme' | 'url_host' | 'url_credentials' | 'url_port' | 'out_of_range'
  >;
  readonly message: string;
}

/**
 * Last labels of names that no public host has: RFC 6761, 6762, 7686, 8375, 9476 and 2606, what ICANN keeps free for
 * private networks, and what routers and clusters give out.
 */
const privateSuffixes = new Set([
  ...['localhost', 'local', 'internal', 'test', 'example', 'invalid', 'onion', 'alt', 'arpa'],
  ...[
    'localdomain',
    'domain',
    'home',
    'lan',
    'corp',
    'mail',
    'intranet',
    'private',
    'svc',
    'cluster',
    'consul',
  ],
]);

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

const schemeProblem: UrlProblem = { code: 'url_scheme', message: 'must begin with https://' };

const portProblem: UrlProblem = {
  code: 'url_port',
  message: 'must not name a port; only the default one of https, 443, is called',
};

const hostProblem: UrlProblem = {
  code: 'url_host',
  message:
    'must name a public host, such as hooks.example.com; addresses (in any spelling), localhost and names of private networks are not called',
};

/**
 * The rules for URLs of strangers: https, a public host by name, no credentials, the default port. A name can still
 * point to a private address, which is not visible here: docs/api.md says what that means.
 * @returns null where the URL may be called
 */
export function urlProblem(text: string): UrlProblem | null {
  if (text.length > limits.urlCharacters)
    return { code: 'out_of_range', message: `must be at most ${limits.urlCharacters} characters long` };
  const parts = /^https:\/\/([^/?#]*)/i.exec(text);
  if (parts === null) return schemeProblem;
  const authority = parts[1] as string;
  // Parsers drop or turn such characters, each in its own way: none is let through to be understood differently.
  if (/[\s\\\p{Cc}\p{Cf}]/u.test(authority)) return hostProblem;
  const url = parsedUrl(text);
  if (url === null) return isPortWrong(authority) ? portProblem : hostProblem;
  if (authority.includes('@'))
    return {
      code: 'url_credentials',
      message: 'must not carry a user name or password; put a secret into the path or the query',
    };
  if (url.port !== '') return portProblem;
  return isPublicName(url.hostname) ? null : hostProblem;
}

/** The parser has brought every spelling of an IPv4 address to four decimal numbers, and of IPv6 into brackets. */
function isPublicName(hostname: string): boolean {
  const labels = hostname.split('.');
  const last = labels.at(-1) as string;
  // A last label of digits would be an address; the dot at the end of a full name is one more spelling.
  const isName = labels.length > 1 && labels.every((one) => label.test(one)) && !/^\d/.test(last);
  return isName && hostname.length <= 253 && !privateSuffixes.has(last);
}

function isPortWrong(authority: string): boolean {
  const port = /:[^:\]]*$/.exec(authority);
  return port !== null && parsedUrl(`https://${authority.slice(0, port.index)}`) !== null;
}

function parsedUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
