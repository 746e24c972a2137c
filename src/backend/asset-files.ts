import type { ModelFiles } from './model-files.ts';

/** A model's files in Workers static assets, under the model's name. */
export function assetFiles(assets: Pick<Fetcher, 'fetch'>, modelName: string): ModelFiles {
  return {
    async read(name) {
      const answer = await assets.fetch(`https://assets.invalid/${modelName}/${name}`);
      if (answer.status === 404) {
        await answer.body?.cancel();
        return undefined;
      }
      if (!answer.ok) throw new Error(`assets answered ${answer.status} for ${modelName}/${name}`);
      return new Uint8Array(await answer.arrayBuffer());
    },
  };
}
