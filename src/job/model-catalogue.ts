import type { Backend } from '../backend/backend.ts';
import { ModelFileError } from '../backend/model-files.ts';
import type { Log } from '../contract/log.ts';
import type { Manifest } from '../contract/manifest.ts';

/** The models that are served. */
export interface ModelCatalogue {
  readonly names: readonly string[];
  /** Model of a request that names none. */
  readonly byDefault: string;
  /** What a model is, or null where it is not served. */
  manifest(name: string): Promise<Manifest | null>;
  /** SHA-256 of the build that is served now. */
  build(name: string): Promise<string>;
}

/** The models that the configuration names, as the backend finds them. */
export function modelCatalogue(
  backend: Backend,
  names: readonly string[],
  byDefault: string,
  log: Log,
): ModelCatalogue {
  return {
    names,
    byDefault,
    manifest: async (name) => (names.includes(name) ? readable(backend, name, log) : null),
    build: (name) => backend.build(name),
  };
}

/**
 * A configured model whose manifest is missing, broken or another model's is not served; the operator reads why in
 * the log. Jobs ask the backend for the name in the manifest, so it must be that of the folder.
 */
async function readable(backend: Backend, name: string, log: Log): Promise<Manifest | null> {
  try {
    const manifest = await backend.manifest(name);
    if (manifest.name === name) return manifest;
    throw new ModelFileError('manifest.json', `its name is "${manifest.name}", but its folder is "${name}"`);
  } catch (error) {
    if (!(error instanceof ModelFileError)) throw error;
    log({ level: 'error', event: 'model not served', model: name, error: error.message });
    return null;
  }
}
