import type { ModelFiles } from './model-files.ts';

/** Who answers requests: Workers static assets, or a browser's own `fetch`. */
export type Fetching = (url: string) => Promise<Response>;

/**
 * A model's files below a URL without a slash at its end. Only 404 says that there is no such file: after any other
 * failure it may be there, and reading it throws a plain Error.
 */
export function fetchedFiles(fetching: Fetching, folderUrl: string): ModelFiles {
  return {
    async read(name) {
      const url = `${folderUrl}/${name}`;
      const answer = await fetching(url);
      if (answer.status === 404) {
        await answer.body?.cancel();
        return undefined;
      }
      if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
      return new Uint8Array(await answer.arrayBuffer());
    },
  };
}
