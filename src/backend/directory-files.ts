import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelFiles } from './model-files.ts';

/** A model's files in a folder of this machine. */
export function directoryFiles(folder: string): ModelFiles {
  return {
    async read(name) {
      try {
        return await readFile(join(folder, name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
  };
}
