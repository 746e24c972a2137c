import { z } from 'zod';
import type { ApiDocument } from './openapi.ts';
import { referencePage } from './reference-page.ts';
import { referenceStyle } from './reference-style.ts';
import { type Route, route } from './route.ts';

const kept = { 'cache-control': 'public, max-age=300' };

/**
 * The description of the API itself.
 * @param describe makes it; asked once, when somebody wants it
 */
export function documentRoutes(describe: () => ApiDocument): readonly Route[] {
  let known: ApiDocument | undefined;
  const document = () => {
    known ??= describe();
    return known;
  };
  return [
    route({
      method: 'GET',
      path: '/openapi.json',
      name: 'describeApi',
      chapter: 'Reference',
      summary: 'Describes the API to machines',
      scope: null,
      answer: {
        description: 'OpenAPI 3.1, made from the schemas that check requests.',
        content: {
          'application/json': z.looseObject({ openapi: z.string() }).meta({ id: 'OpenApiDocument' }),
        },
      },
      failures: [],
      examples: [{ summary: 'The whole document' }],
      handle: async () => Response.json(document(), { headers: kept }),
    }),
    route({
      method: 'GET',
      path: '/docs',
      name: 'readReference',
      chapter: 'Reference',
      summary: 'Describes the API to people',
      scope: null,
      answer: { description: 'This page.', content: { 'text/html': null } },
      failures: [],
      examples: [{ summary: 'This page' }],
      handle: async () => {
        const page = await referencePage(document());
        const style = await sha256Base64(referenceStyle);
        const policy = [
          "default-src 'none'",
          `style-src 'sha256-${style}'`,
          "base-uri 'none'",
          "form-action 'none'",
          "frame-ancestors 'none'",
        ];
        const headers = {
          ...kept,
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': policy.join('; '),
        };
        return new Response(page, { headers });
      },
    }),
  ];
}

async function sha256Base64(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Buffer.from(digest).toString('base64');
}
