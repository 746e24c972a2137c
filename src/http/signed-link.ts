import type { VideoLinks } from '../contract/job.ts';

/** The parameter that a signed link has. */
export const tokenParameter = 'token';

/** Links to a video, with the token that opens them, as paths without the host. */
export function signedLinks(id: string, token: string): VideoLinks {
  const path = `/v1/videos/${id}`;
  const query = `?${tokenParameter}=${token}`;
  return {
    content: `${path}/content${query}`,
    events: `${path}/events${query}`,
    frames: `${path}/frames/{n}.png${query}`,
  };
}

/** The query of a route without what authentication has read of it. */
export function withoutToken(query: Record<string, string>): Record<string, string> {
  const { [tokenParameter]: _, ...rest } = query;
  return rest;
}
