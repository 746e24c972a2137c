import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { directoryFiles } from './directory-files.ts';
import { WasmBackend } from './wasm-backend.ts';

const RUNTIME_FILE = 'onnxruntime-web/ort-wasm-simd-threaded.wasm';

/** A backend in Node over the models in a folder. */
export function nodeBackend(modelsFolder: string): WasmBackend {
  let runtime: Promise<WebAssembly.Module> | undefined;
  return new WasmBackend({
    runtime: () => {
      runtime ??= compileRuntime();
      return runtime;
    },
    filesOf: (modelName) => directoryFiles(join(modelsFolder, modelName)),
    pause: () => new Promise((resolve) => setImmediate(resolve)),
    now: Date.now,
    leaseMs: Number.POSITIVE_INFINITY,
  });
}

/** The runtime's module, compiled. */
export async function compileRuntime(): Promise<WebAssembly.Module> {
  const path = createRequire(import.meta.url).resolve(RUNTIME_FILE);
  return Reflect.construct(WebAssembly.Module, [await readFile(path)]);
}
