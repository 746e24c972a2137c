import type { Context, MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Caller } from '../contract/access.ts';
import { Failure } from '../contract/failure.ts';
import { fault, type LogLine } from '../contract/log.ts';
import type { ServiceEnvironment } from './services.ts';

/** A caller's name of a request: as long as a UUID, and shorter than any key, so that no key can be sent as one. */
const callerId = /^[\w.-]{1,36}$/;

/** Methods are words of the caller's, too. */
const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Gives every request an id, which the answer carries as `x-request-id`, and writes one line about it. */
export const logRequest: MiddlewareHandler<ServiceEnvironment> = async (context, next) => {
  const { log, clock } = context.env;
  const requestId = crypto.randomUUID();
  context.set('requestId', requestId);
  const began = clock();
  await next();
  context.res.headers.set('x-request-id', requestId);
  const { status } = context.res;
  log({
    level: status < 500 ? 'info' : 'error',
    event: 'request',
    ...named(context),
    status,
    milliseconds: clock() - began,
    ...(context.error === undefined ? {} : reason(context.error)),
  });
};

/** Writes what broke off an answer that had begun. */
export function brokenOff(context: Context<ServiceEnvironment>): (error: unknown) => void {
  return (error) => {
    // A video that is removed while it is read is nobody's fault.
    if (error instanceof Failure) return;
    context.env.log({ level: 'error', event: 'answer broken off', ...named(context), ...fault(error) });
  };
}

function named(context: Context<ServiceEnvironment>): Partial<LogLine> {
  const { method } = context.req;
  // Nobody, where it was refused before that was known.
  const caller = context.var.caller as Caller | undefined;
  const theirs = context.req.header('x-request-id') ?? '';
  return {
    requestId: context.var.requestId,
    ...(callerId.test(theirs) ? { callerRequestId: theirs } : {}),
    ...(caller === undefined ? {} : { account: caller.account }),
    ...(caller === undefined || caller.keyId === null ? {} : { key: caller.keyId }),
    method: knownMethods.has(method) ? method : 'other',
    route: routePath(context),
  };
}

function reason(error: Error): Partial<LogLine> {
  return error instanceof Failure ? { error: error.code } : fault(error);
}
