import { Hono, type MiddlewareHandler } from 'hono';
import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';
import { authenticated } from './authentication.ts';
import { readToTheEnd } from './body-end.ts';
import { failureResponse, internalErrorResponse } from './error-response.ts';
import { countRefusals, withinRate } from './rate-limit.ts';
import { logRequest } from './request-log.ts';
import { routerPath } from './route.ts';
import { routes } from './route-table.ts';
import { allowOrigins, safeHeaders } from './safe-headers.ts';
import type { ServiceEnvironment, Services } from './services.ts';

/**
 * The HTTP API. Checks run in this order: route, method, sizes of line and headers, who asks, how often, then what
 * the route reads.
 */
export function createApp(): Hono<ServiceEnvironment> {
  const app = new Hono<ServiceEnvironment>();
  app.use(readToTheEnd, logRequest, safeHeaders, allowOrigins);
  for (const route of routes) {
    const { method, path, handle } = route;
    app.on(
      method,
      routerPath(path),
      checkSizes,
      countRefusals,
      authenticated(route),
      withinRate(route),
      handle,
    );
  }
  for (const path of new Set(routes.map((route) => route.path)))
    app.all(routerPath(path), refuseMethod(path));
  app.all('*', (context) => {
    throw new Failure('route_not_found', `There is nothing at ${context.req.path.slice(0, 100)}.`);
  });
  app.onError((error, context) =>
    error instanceof Failure
      ? failureResponse(error, wayToPay(error, context.env))
      : internalErrorResponse(context.var.requestId),
  );
  return app;
}

/** Where credits are sold, whoever lacks them is told where (RFC 8288; the relation is in IANA's list). */
function wayToPay({ code }: Failure, { payments }: Services): Record<string, string> {
  if (code !== 'insufficient_credits' || payments === null) return {};
  return { link: '</v1/account/topup>; rel="payment"' };
}

const checkSizes: MiddlewareHandler<ServiceEnvironment> = async (context, next) => {
  // The runtime takes a host as it comes, and with it an address that is none.
  if (!URL.canParse(context.req.url))
    throw new Failure('host_invalid', 'The header Host names no host; send the one of the address.');
  const url = new URL(context.req.url);
  if (url.pathname.length + url.search.length > limits.urlBytes) {
    throw new Failure(
      'uri_too_long',
      `The URL is longer than ${limits.urlBytes} bytes; send long values in a body.`,
    );
  }
  let headerBytes = 0;
  // A line is "name: value" and two bytes for its end.
  for (const [name, value] of context.req.raw.headers) headerBytes += name.length + value.length + 4;
  if (headerBytes > limits.headerBytes) {
    throw new Failure(
      'headers_too_large',
      `The headers are larger than ${limits.headerBytes} bytes; drop some.`,
    );
  }
  await next();
};

function refuseMethod(path: string): MiddlewareHandler<ServiceEnvironment> {
  const allowed = routes.filter((route) => route.path === path).map(({ method }) => method);
  const allow = (allowed.includes('GET') ? [...allowed, 'HEAD'] : allowed).join(', ');
  return async (context) => {
    const failure = new Failure('method_not_allowed', `This address takes ${allow}.`);
    context.error = failure;
    return failureResponse(failure, { allow });
  };
}
