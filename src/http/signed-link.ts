/** The parameter that a signed link has. */
export const tokenParameter = 'token';

/** The query of a route without what authentication has read of it. */
export function withoutToken(query: Record<string, string>): Record<string, string> {
  const { [tokenParameter]: _, ...rest } = query;
  return rest;
}
