import type { Context, MiddlewareHandler } from 'hono';
import type { Caller, Scope } from '../contract/access.ts';
import { Failure } from '../contract/failure.ts';
import type { Route } from './route.ts';
import type { ServiceEnvironment } from './services.ts';
import { tokenParameter } from './signed-link.ts';

type Asked = Context<ServiceEnvironment>;

/** Parameters by which other services take keys in the query. */
const keyParameters = ['key', 'api_key', 'apikey', 'api-key', 'access_token', 'authorization'];

const wayOut =
  'Send "Authorization: Bearer magi_...", with a key that the operator of this service gave you.';

/**
 * Finds out who asks, and refuses who may not: a key in the header Authorization, or a signed link where the route takes
 * one. Sets the variables `caller`, `jobs` and `tokenFor`.
 * @throws Failure key_in_query, auth_missing, auth_scheme, key_invalid, scope_denied, link_invalid, link_expired
 */
export function authenticated(route: Route): MiddlewareHandler<ServiceEnvironment> {
  return async (context, next) => {
    if (route.scope === null) return next();
    refuseKeyInQuery(context);
    if (mayPay(context, route) && sentHeader(context) === '') return next();
    const token = linkToken(context, route);
    const caller = token === null ? await keyCaller(context) : await linkCaller(context, token);
    if (!caller.scopes.includes(route.scope) && !mayPay(context, route))
      throw scopeDenied(caller, route.scope);
    const { jobsOf, links } = context.env;
    context.set('caller', caller);
    context.set('jobs', jobsOf(caller.account));
    // Whoever has a link gets no other one, which would be valid for longer.
    context.set('tokenFor', async (videoId) => token ?? links.sign(caller.account, videoId));
    return next();
  };
}

/** Addresses end up in logs and histories, and a key in one of them is no secret any more. */
function refuseKeyInQuery(context: Asked): void {
  const named = Object.entries(context.req.queries()).find(
    ([name, values]) =>
      keyParameters.includes(name.toLowerCase()) || values.some((value) => value.startsWith('magi_')),
  );
  if (named === undefined) return;
  throw new Failure('key_in_query', `A key must not be in the address: revoke it. ${wayOut}`, named[0]);
}

/** Null where the request has a header, or has no token, or the route takes none. */
function linkToken(context: Asked, { takesLink }: Route): string | null {
  return takesLink && sentHeader(context) === '' ? (context.req.query(tokenParameter) ?? null) : null;
}

async function linkCaller(context: Asked, token: string): Promise<Caller> {
  const verdict = await context.env.links.verify(token, context.req.param('id') ?? '');
  if (verdict === 'expired')
    throw new Failure('link_expired', 'This link has expired; GET /v1/videos/{id} gives new ones.', 'token');
  if (verdict === 'invalid')
    throw new Failure(
      'link_invalid',
      'The token was altered, or belongs to another video; take the whole link as GET /v1/videos/{id} gives it.',
      'token',
    );
  return { account: verdict.account, scopes: ['read'], keyId: null };
}

async function keyCaller(context: Asked): Promise<Caller> {
  const header = sentHeader(context);
  if (header === '') throw new Failure('auth_missing', `There is no key. ${wayOut}`);
  const [scheme = '', key = '', ...more] = header.split(/ +/);
  if (scheme.toLowerCase() !== 'bearer')
    throw new Failure('auth_scheme', `Of the header Authorization only Bearer is taken. ${wayOut}`);
  const caller = more.length > 0 ? null : await context.env.keys.caller(key);
  if (caller === null)
    throw new Failure('key_invalid', `The key is malformed, unknown or revoked. ${wayOut}`);
  return caller;
}

/** Some servers drop a header that is empty, so that it is the same as none. */
function sentHeader(context: Asked): string {
  return context.req.header('authorization')?.trim() ?? '';
}

/** @throws Failure auth_missing, scope_denied where a request that may be paid for wants what needs the route's scope */
export function requireScope(caller: Caller | undefined, scope: Scope): asserts caller is Caller {
  if (caller === undefined) throw new Failure('auth_missing', `There is no key. ${wayOut}`);
  if (!caller.scopes.includes(scope)) throw scopeDenied(caller, scope);
}

function mayPay({ env }: Asked, { takesPayment }: Route): boolean {
  return takesPayment === true && env.payments !== null;
}

function scopeDenied({ scopes }: Caller, needed: string): Failure {
  return new Failure(
    'scope_denied',
    `This call needs a key with the scope "${needed}"; this one has ${scopes.map((scope) => `"${scope}"`).join(', ')}.`,
  );
}
