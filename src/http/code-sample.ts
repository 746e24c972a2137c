import type { Example, Route } from './route.ts';

/** A request as a shell command; MAGI is the address of the service, MAGI_KEY a key and ID an id. */
export function curlCommand({ method, path, scope }: Route, example: Example): string {
  const { path: values = {}, query, body } = example;
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name] ?? name;
    return /^(video|key)_/.test(value) ? '$ID' : value;
  });
  const search = query === undefined ? '' : `?${new URLSearchParams(query)}`;
  const lines = [`curl "$MAGI${filled}${search}"`];
  if (method !== 'GET' && !(method === 'POST' && body !== undefined)) lines.push(`-X ${method}`);
  if (scope !== null) lines.push('-H "authorization: Bearer $MAGI_KEY"');
  if (body !== undefined) {
    lines.push("-H 'content-type: application/json'", `-d '${JSON.stringify(body, null, 2)}'`);
  }
  return lines.join(' \\\n  ');
}
