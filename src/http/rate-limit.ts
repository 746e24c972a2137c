import type { Context, MiddlewareHandler } from 'hono';
import type { RequestRate } from '../access/request-rate.ts';
import type { Caller } from '../contract/access.ts';
import { Failure, failures } from '../contract/failure.ts';
import { failureResponse } from './error-response.ts';
import type { Route } from './route.ts';
import type { ServiceEnvironment } from './services.ts';

/** Who is counted, by which rate, and what is said once it is too often. */
interface Counted {
  readonly policy: 'account' | 'address';
  readonly rate: RequestRate;
  readonly caller: string;
  readonly what: string;
  readonly wayOut: string;
}

/**
 * Refuses what an account asks beyond its rate. Signed links, which others may have, are counted apart, so that they
 * cannot use up what the account's keys may ask. Whoever may pay instead of sending a key is counted by address before
 * the facilitator is asked about the payment.
 */
export function withinRate(route: Route): MiddlewareHandler<ServiceEnvironment> {
  return async (context, next) => {
    if (route.scope === null) return next();
    const caller = callerOf(context);
    const counted = caller === undefined ? payer(context) : account(context, caller);
    return (await tooMany(context, counted)) ?? next();
  };
}

/** Counts, for each address, the requests whose sender was refused, and says so once they are too many. */
export const countRefusals: MiddlewareHandler<ServiceEnvironment> = async (context, next) => {
  await next();
  const { error } = context;
  if (!(error instanceof Failure) || ![401, 403].includes(failures[error.code].status)) return;
  const answer = await tooMany(context, stranger(context));
  if (answer === null) return;
  // It takes over the headers of the answer that it replaces.
  context.res = answer;
  context.res.headers.delete('www-authenticate');
};

function callerOf(context: Context<ServiceEnvironment>): Caller | undefined {
  return context.var.caller;
}

function account({ env }: Context<ServiceEnvironment>, { account, keyId }: Caller): Counted {
  return {
    policy: 'account',
    rate: env.rates.account,
    caller: keyId === null ? `links ${account}` : account,
    what: 'requests of this account',
    wayOut: 'follow a video by its events',
  };
}

function stranger({ env, req }: Context<ServiceEnvironment>): Counted {
  return {
    policy: 'address',
    rate: env.rates.refusals,
    caller: network(req.header('cf-connecting-ip') ?? ''),
    what: 'requests without a valid key from your address',
    wayOut: 'check the key',
  };
}

/** Apart from the above, so that wrong keys and payments from one address do not hinder each other. */
function payer(context: Context<ServiceEnvironment>): Counted {
  const counted = stranger(context);
  return {
    ...counted,
    caller: `payments ${counted.caller}`,
    what: 'payments and questions for an offer from your address',
    wayOut: 'send a payment only once',
  };
}

/**
 * Counts a request; null where it may go on. The answer's headers besides retry-after are as in
 * draft-ietf-httpapi-ratelimit-headers-10: the quota, and that nothing of it is left.
 */
async function tooMany(context: Context<ServiceEnvironment>, counted: Counted): Promise<Response | null> {
  const { policy, rate, caller, what, wayOut } = counted;
  const { requests, periodSeconds } = rate;
  const seconds = await rate.count(caller);
  if (seconds === 0) return null;
  const failure = new Failure(
    'rate_limited',
    `More than ${requests} ${what} in ${periodSeconds} seconds; ask again in ${seconds} seconds, and ${wayOut}.`,
  );
  context.error = failure;
  return failureResponse(failure, {
    'retry-after': String(seconds),
    'ratelimit-policy': `"${policy}";q=${requests};w=${periodSeconds}`,
    ratelimit: `"${policy}";r=0;t=${seconds}`,
  });
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
