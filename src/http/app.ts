import { Hono, type MiddlewareHandler } from 'hono';
import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';
import { failureResponse, internalErrorResponse } from './error-response.ts';
import { modelRoutes } from './model-routes.ts';
import type { Route } from './route.ts';
import type { ServiceEnvironment } from './services.ts';
import { videoChangeRoutes } from './video-change-routes.ts';
import { videoRoutes } from './video-routes.ts';

/** The HTTP API. Checks run in this order: route, method, sizes of line and headers, then what the route reads. */
export function createApp(): Hono<ServiceEnvironment> {
  const app = new Hono<ServiceEnvironment>();
  app.use(safeHeaders);
  const routes = [...videoChangeRoutes, ...videoRoutes, ...modelRoutes];
  for (const { method, path, handle } of routes) app.on(method, path, checkSizes, handle);
  for (const path of new Set(routes.map((route) => route.path))) app.all(path, refuseMethod(path, routes));
  app.notFound((context) => {
    const failure = new Failure('route_not_found', `There is nothing at ${context.req.path.slice(0, 100)}.`);
    return failureResponse(failure);
  });
  app.onError((error, context) => {
    if (error instanceof Failure) return failureResponse(error);
    console.error(`${context.req.method} ${context.req.path}:`, error);
    return internalErrorResponse();
  });
  return app;
}

const safeHeaders: MiddlewareHandler<ServiceEnvironment> = async (context, next) => {
  await next();
  context.res.headers.set('x-content-type-options', 'nosniff');
  if (!context.res.headers.has('cache-control')) context.res.headers.set('cache-control', 'no-store');
};

const checkSizes: MiddlewareHandler<ServiceEnvironment> = async (context, next) => {
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

function refuseMethod(path: string, routes: readonly Route[]): () => Response {
  const allowed = routes.filter((route) => route.path === path).map(({ method }) => method);
  const allow = (allowed.includes('GET') ? [...allowed, 'HEAD'] : allowed).join(', ');
  return () => failureResponse(new Failure('method_not_allowed', `This address takes ${allow}.`), { allow });
}
