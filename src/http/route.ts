import type { Context } from 'hono';
import type { ServiceEnvironment } from './services.ts';

/** One row of the table of routes. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly handle: (context: Context<ServiceEnvironment>) => Promise<Response>;
}
