import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import type { ServiceEnvironment } from './services.ts';

/** Of every answer whose route says nothing else: a browser that shows it runs and loads nothing, and stores nothing. */
const safe = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Of images that pages of any origin may show. */
export const embeddable = { 'cross-origin-resource-policy': 'cross-origin' };

const yearSeconds = 365 * 24 * 60 * 60;

/** Sets the headers that keep browsers from doing more with an answer than they should. */
export const safeHeaders: MiddlewareHandler<ServiceEnvironment> = async (context, next) => {
  await next();
  const { headers } = context.res;
  for (const [name, value] of Object.entries(safe)) if (!headers.has(name)) headers.set(name, value);
  if (context.req.url.startsWith('https:'))
    headers.set('strict-transport-security', `max-age=${yearSeconds}`);
};

/** With the stars, which hold as long as no answer takes credentials, a new header need not be named here. */
const allow = cors({
  origin: (origin, context) => {
    const { allowedOrigins } = context.env as ServiceEnvironment['Bindings'];
    if (allowedOrigins.includes('*')) return '*';
    return allowedOrigins.includes(origin) ? origin : null;
  },
  allowMethods: ['GET', 'HEAD', 'POST', 'DELETE'],
  allowHeaders: ['*', 'authorization'],
  exposeHeaders: ['*'],
  maxAge: 7200,
});

/** Lets pages of the configured origins call the API from a browser; where there are none, says nothing about it. */
export const allowOrigins: MiddlewareHandler<ServiceEnvironment> = async (context, next) =>
  context.env.allowedOrigins.length === 0 ? next() : allow(context, next);
