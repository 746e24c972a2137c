import { fetchedFiles } from './fetched-files.ts';
import { WasmBackend } from './wasm-backend.ts';

/** The types of Workers leave out what Workers do not allow. */
const browserWebAssembly = WebAssembly as unknown as {
  compileStreaming(source: Response): Promise<WebAssembly.Module>;
};

/** Where a page finds what it needs, URLs without a slash at their end. */
export interface BrowserSources {
  /** The folder with one folder a model */
  readonly modelsUrl: string;
  /** `ort-wasm-simd-threaded.wasm` of onnxruntime-web, as application/wasm */
  readonly runtimeUrl: string;
}

/** A backend in a page, or better in a web worker, where the computation blocks no display. */
export function browserBackend({ modelsUrl, runtimeUrl }: BrowserSources): WasmBackend {
  let runtime: Promise<WebAssembly.Module> | undefined;
  return new WasmBackend({
    runtime: () => {
      runtime ??= compileRuntime(runtimeUrl).catch((error) => {
        runtime = undefined; // the network may be back at the next call
        throw error;
      });
      return runtime;
    },
    filesOf: (modelName) => fetchedFiles((url) => fetch(url), `${modelsUrl}/${modelName}`),
    pause: macrotask,
    now: Date.now,
    leaseMs: Number.POSITIVE_INFINITY,
  });
}

async function compileRuntime(url: string): Promise<WebAssembly.Module> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return browserWebAssembly.compileStreaming(answer);
}

/** A message, because a timer of 0 ms takes 4 ms once it follows others. */
function macrotask(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
