import { z } from 'zod';
import type { ApiDocument } from './openapi.ts';
import { type Route, route } from './route.ts';

/**
 * The description of the API itself.
 * @param document makes it; asked once, when somebody wants it
 */
export function documentRoutes(document: () => ApiDocument): readonly Route[] {
  let text: string | undefined;
  return [
    route({
      method: 'GET',
      path: '/openapi.json',
      name: 'describeApi',
      chapter: 'Reference',
      summary: 'This description',
      scope: null,
      answer: {
        description: 'OpenAPI 3.1.',
        content: {
          'application/json': z.looseObject({ openapi: z.string() }).meta({ id: 'OpenApiDocument' }),
        },
      },
      failures: [],
      handle: async () => {
        text ??= JSON.stringify(document());
        return new Response(text, {
          headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' },
        });
      },
    }),
  ];
}
