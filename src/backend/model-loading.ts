import type { InferenceSession } from 'onnxruntime-web/wasm';
import type { Manifest } from '../contract/manifest.ts';
import { free } from '../engine/free.ts';
import { type ModelFiles, readChecked } from './model-files.ts';
import { OnnxGraphs } from './onnx-graphs.ts';
import { createSession } from './wasm-runtime.ts';

type GraphFiles = Pick<Manifest['graphs']['encoder'], 'file' | 'shards'>;

/**
 * A model's graphs, every file checked against the manifest before a session is made of it. One
 * after another, so that the weights of one graph only are in memory twice. Encoder and
 * steps are read when they are needed.
 * @param step called before every session is made; may throw to end the loading
 * @throws ModelFileError for a missing or wrong file, naming it
 */
export async function loadGraphs(
  files: ModelFiles,
  manifest: Manifest,
  runtime: WebAssembly.Module,
  step: () => void = () => {},
): Promise<OnnxGraphs> {
  const open = async ({ file, shards }: GraphFiles, mayGoOn: () => void) => {
    const graph = await readChecked(files, manifest, file);
    const weights = [];
    for (const path of shards) weights.push({ path, data: await readChecked(files, manifest, path) });
    mayGoOn();
    const session = await createSession(runtime, { graph, weights, isOptimised: true });
    free(...weights.map(({ data }) => data));
    return session;
  };
  const made: InferenceSession[] = [];
  const session = async (graph: GraphFiles) => {
    made.push(await open(graph, step));
    return made.at(-1) as InferenceSession;
  };
  const { graphs, normalTable } = manifest;
  try {
    const table = floats(await readChecked(files, manifest, normalTable), normalTable);
    const sessions = {
      past: await session(graphs.past),
      backbone: await session(graphs.backbone),
      head: await session(graphs.head),
      sketch: graphs.sketch && (await session(graphs.sketch)),
      decoder: await session(graphs.decoder),
      reference: graphs.reference && (await session(graphs.reference)),
    };
    return new OnnxGraphs(manifest, table, sessions, {
      encoder: () => open(graphs.encoder, () => {}),
      steps: () => open(graphs.steps, () => {}),
    });
  } catch (error) {
    for (const unused of made) await unused.release();
    throw error;
  }
}

/** Little-endian float32. */
function floats(bytes: Uint8Array, name: string): Float32Array {
  if (bytes.byteLength % Float32Array.BYTES_PER_ELEMENT !== 0)
    throw new RangeError(`${name} is no float32 table`);
  return new Float32Array(bytes.slice().buffer);
}
