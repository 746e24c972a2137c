import runtime from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import { fetchedFiles } from './fetched-files.ts';
import { WasmBackend } from './wasm-backend.ts';

const LEASE_MS = 15_000;

/**
 * A backend in a Worker over the models among its static assets.
 * @param pause awaited before every pass
 */
export function workersBackend(
  assets: Pick<Fetcher, 'fetch'>,
  pause: () => Promise<void> = () => scheduler.wait(0),
): WasmBackend {
  return new WasmBackend({
    runtime: async () => runtime,
    filesOf: (modelName) => fetchedFiles((url) => assets.fetch(url), `https://assets.invalid/${modelName}`),
    pause,
    now: Date.now,
    leaseMs: LEASE_MS,
  });
}
