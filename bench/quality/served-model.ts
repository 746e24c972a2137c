import { directoryFiles } from '../../src/backend/directory-files.ts';
import { readManifest } from '../../src/backend/model-files.ts';
import { loadGraphs } from '../../src/backend/model-loading.ts';
import { compileRuntime } from '../../src/backend/node-backend.ts';
import type { OnnxGraphs } from '../../src/backend/onnx-graphs.ts';
import type { JobSpec } from '../../src/contract/job.ts';
import { labelId, type Manifest } from '../../src/contract/manifest.ts';
import { displayFrame, generate } from '../../src/engine/generation.ts';
import { Past } from '../../src/engine/past.ts';
import { planarPixels } from '../../src/engine/pixels.ts';
import { referenceOf } from '../../src/engine/reference.ts';

const eventLoop = () => new Promise<void>((resolve) => setImmediate(resolve));

/** The graphs of a model folder in onnxruntime-web, as a Worker runs them. */
export class ServedModel {
  readonly #graphs: OnnxGraphs;

  private constructor(graphs: OnnxGraphs) {
    this.#graphs = graphs;
  }

  /** @throws ModelFileError for a missing or wrong file, naming it */
  static async load(folder: string, manifest: Manifest): Promise<ServedModel> {
    return new ServedModel(await loadGraphs(directoryFiles(folder), manifest, await compileRuntime()));
  }

  /** @throws ModelFileError where there is no model in the folder */
  static manifest(folder: string): Promise<Manifest> {
    return readManifest(directoryFiles(folder));
  }

  /**
   * The video of a spec from a given first frame, frame by frame as displayed: RGBA [h, w, 4].
   * @param firstFrame RGBA [h, w, 4]
   */
  async *animated(spec: JobSpec, firstFrame: Uint8ClampedArray): AsyncGenerator<Uint8ClampedArray> {
    const { manifest } = this.#graphs;
    const plan = {
      ...spec,
      endFrame: spec.frames,
      labels: spec.labels.map(({ from, label }) => ({ from, label: labelId(manifest, label) ?? 0 })),
      firstFrame,
      passes: Number.POSITIVE_INFINITY,
    };
    for await (const { pixels } of generate(this.#graphs, Past.empty(manifest), plan, eventLoop))
      yield pixels;
  }

  /** The tokenizer's ceiling: frames encoded and decoded again, the first one as it is. RGBA [h, w, 4] */
  async reconstructed(frames: readonly Uint8ClampedArray[]): Promise<Uint8ClampedArray[]> {
    const [first, ...later] = frames as [Uint8ClampedArray, ...Uint8ClampedArray[]];
    const { frame, tokenizer } = this.#graphs.manifest;
    const reference = tokenizer.kind === 'referenced' ? referenceOf(first) : null;
    const made = new Map<Uint8ClampedArray, Uint8ClampedArray>();
    for (const pixels of new Set(later)) {
      const latents = await this.#graphs.encode(planarPixels(pixels, frame.channels), reference);
      made.set(pixels, await displayFrame(this.#graphs, latents, reference, 'first_frame'));
    }
    return [first, ...later.map((pixels) => made.get(pixels) as Uint8ClampedArray)];
  }
}
