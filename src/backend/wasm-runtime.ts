import { env, InferenceSession } from 'onnxruntime-web/wasm';

/** A file of weights, by the name that the graph gives it. */
interface ExternalData {
  readonly path: string;
  readonly data: Uint8Array;
}

/** What a session is made of. */
export interface SessionParts {
  readonly graph: Uint8Array;
  readonly weights: readonly ExternalData[];
  /** The graph runs as it is: it was optimised when it was written. */
  readonly isOptimised: boolean;
}

let memory: WebAssembly.Memory | undefined;

/**
 * One graph, ready to run on one thread. The first session of an isolate starts the runtime from
 * the compiled module `ort-wasm-simd-threaded.wasm` of onnxruntime-web.
 */
export async function createSession(
  module: WebAssembly.Module,
  { graph, weights, isOptimised }: SessionParts,
): Promise<InferenceSession> {
  const create = () =>
    InferenceSession.create(graph, {
      executionProviders: ['wasm'],
      externalData: weights,
      graphOptimizationLevel: isOptimised ? 'disabled' : 'all',
    });
  return memory ? create() : whileStarting(module, create);
}

/** Bytes of the runtime's memory; 0 before it has started. It never shrinks. */
export function runtimeMemoryBytes(): number {
  return memory?.buffer.byteLength ?? 0;
}

/** Version of the runtime, a part of every model's build. */
export function runtimeVersion(): string {
  return `onnxruntime-web ${env.versions.web}`;
}

/**
 * workerd compiles nothing from bytes, so while the runtime starts, WebAssembly.instantiate answers
 * with an instance of `module`. Nothing in between waits for I/O.
 */
async function whileStarting<Result>(
  module: WebAssembly.Module,
  action: () => Promise<Result>,
): Promise<Result> {
  env.wasm.numThreads = 1;
  env.wasm.wasmBinary = new ArrayBuffer(8); // never read, but without it the runtime looks for a URL
  const instantiate = WebAssembly.instantiate;
  WebAssembly.instantiate = (async (_bytes: unknown, imports: WebAssembly.Imports) => {
    // Not `new WebAssembly.Instance`: a page's main thread makes none of this size.
    const instance = await instantiate(module, imports);
    memory = growingInSmallSteps(memoryOf(imports, instance));
    return { module, instance };
  }) as unknown as typeof WebAssembly.instantiate;
  try {
    return await action();
  } finally {
    WebAssembly.instantiate = instantiate;
  }
}

function memoryOf(imports: WebAssembly.Imports, { exports }: WebAssembly.Instance): WebAssembly.Memory {
  const values = [...Object.values(imports), exports].flatMap((group) => Object.values(group));
  const found = values.find((value) => value instanceof WebAssembly.Memory);
  if (!found) throw new Error('the runtime has no WebAssembly memory');
  return found;
}

/**
 * The runtime asks for a fifth more than it has, when refused for a tenth, then for a twentieth.
 * Refusing twice keeps the memory, which never shrinks, near what is needed.
 */
function growingInSmallSteps(memory: WebAssembly.Memory): WebAssembly.Memory {
  const grow = memory.grow.bind(memory);
  let refusals = 0;
  memory.grow = (pages) => {
    refusals = (refusals + 1) % 3;
    if (refusals > 0) throw new RangeError('ask for less');
    return grow(pages);
  };
  return memory;
}
