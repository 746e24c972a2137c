import type { Context, MiddlewareHandler } from 'hono';
import type { RequestRate } from '../access/request-rate.ts';
import type { Caller } from '../contract/access.ts';
import { Failure, failures } from '../contract/failure.ts';
import { failureResponse } from './error-response.ts';
import type { Route } from './route.ts';
import type { ServiceEnvironment } from './services.ts';

/**
 * Refuses what an account asks beyond its rate. Signed links, which others may have, are counted apart, so that they
 * cannot use up what the account's keys may ask.
 */
export function withinRate(route: Route): MiddlewareHandler<ServiceEnvironment> {
  return async (context, next) => {
    const caller = callerOf(context);
    if (route.scope === null || caller === undefined) return next();
    const { account, keyId } = caller;
    const { account: rate } = context.env.rates;
    const seconds = await rate.count(keyId === null ? `links ${account}` : account);
    if (seconds === 0) return next();
    const failure = tooMany(rate, seconds, 'requests of this account', 'follow a video by its events');
    context.error = failure;
    return failureResponse(failure, rateHeaders('account', rate, seconds));
  };
}

/** Counts, for each address, the requests whose sender was refused, and says so once they are too many. */
export const countRefusals: MiddlewareHandler<ServiceEnvironment> = async (context, next) => {
  await next();
  const { error } = context;
  if (!(error instanceof Failure) || !isStrangers(context, failures[error.code].status)) return;
  const { refusals: rate } = context.env.rates;
  const seconds = await rate.count(network(context.req.header('cf-connecting-ip') ?? ''));
  if (seconds === 0) return;
  const failure = tooMany(rate, seconds, 'requests without a valid key from your address', 'check the key');
  context.error = failure;
  // It takes over the headers of the answer that it replaces.
  context.res = failureResponse(failure, rateHeaders('address', rate, seconds));
  context.res.headers.delete('www-authenticate');
};

/** Whether a refusal is of somebody who is not known. Offers are, too: each payment has the facilitator asked. */
function isStrangers(context: Context<ServiceEnvironment>, status: number): boolean {
  return [401, 403].includes(status) || (status === 402 && callerOf(context) === undefined);
}

function callerOf(context: Context<ServiceEnvironment>): Caller | undefined {
  return context.var.caller;
}

function tooMany(rate: RequestRate, seconds: number, what: string, wayOut: string): Failure {
  const { requests, periodSeconds } = rate;
  return new Failure(
    'rate_limited',
    `More than ${requests} ${what} in ${periodSeconds} seconds; ask again in ${seconds} seconds, and ${wayOut}.`,
  );
}

/** Besides retry-after, as in draft-ietf-httpapi-ratelimit-headers-10: the quota, and that nothing of it is left. */
function rateHeaders(policy: string, { requests, periodSeconds }: RequestRate, seconds: number) {
  return {
    'retry-after': String(seconds),
    'ratelimit-policy': `"${policy}";q=${requests};w=${periodSeconds}`,
    ratelimit: `"${policy}";r=0;t=${seconds}`,
  };
}

/** An IPv4 address, or the first 64 bits of an IPv6 address: all of them are one customer's. */
function network(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  return [...first, ...Array<string>(Math.max(0, zeros)).fill('0'), ...last].slice(0, 4).join(':');
}
