import { z } from 'zod';
import { limits } from '../contract/config.ts';
import { wholeNumberText } from '../contract/refusal.ts';

/**
 * Fields of the query of a list.
 * @param what one thing that is listed
 */
export function pageFields(what: string) {
  return {
    after: z
      .string()
      .optional()
      .describe(`Id of the ${what} before the page: \`last_id\` of the page before.`),
    limit: wholeNumberText(1, limits.listEntries)
      .default(20)
      .describe(`${what[0]?.toUpperCase()}${what.slice(1)}s of one page.`),
    order: z
      .enum(['asc', 'desc'], 'must be "asc" or "desc"')
      .default('desc')
      .describe('By creation: oldest or newest first.'),
  };
}

/** A page as every list answers with it, in the form that the npm package openai walks through. */
export function listOf<Item extends { readonly id: string }>(data: Item[], hasMore: boolean) {
  return {
    object: 'list' as const,
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}
