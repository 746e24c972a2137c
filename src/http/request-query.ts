import type { Context } from 'hono';
import { Failure } from '../contract/failure.ts';
import type { ServiceEnvironment } from './services.ts';

/**
 * The query of a request.
 * @throws Failure fields_conflict where a name comes twice: which one counts would be anybody's guess
 */
export function readQuery(context: Context<ServiceEnvironment>): Record<string, string> {
  const query: Record<string, string> = Object.create(null);
  for (const [name, values] of Object.entries(context.req.queries())) {
    if (values.length > 1)
      throw new Failure('fields_conflict', `${name} is in the query twice; send it once.`, name);
    query[name] = values[0] ?? '';
  }
  return query;
}
