import { type InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import type { Manifest } from '../contract/manifest.ts';
import type { KeysAndValues } from '../engine/frame-cache.ts';
import { free } from '../engine/free.ts';
import type {
  CompleteFrame,
  DecodedFrame,
  Graphs,
  HeadInputs,
  MaskedFrame,
  Reference,
} from '../engine/graphs.ts';
import type { PastSlots } from '../engine/past.ts';
import { paletteTensor } from '../engine/reference.ts';

/** One session for each graph that every frame needs. */
export interface Sessions {
  readonly past: InferenceSession;
  readonly backbone: InferenceSession;
  readonly head: InferenceSession;
  readonly decoder: InferenceSession;
  /** These of a referenced tokenizer only. */
  readonly reference?: InferenceSession | undefined;
  readonly sketch?: InferenceSession | undefined;
}

/** Opens the graphs that not every video needs. */
export interface Opening {
  /** For a given first frame; kept from then on. */
  readonly encoder: () => Promise<InferenceSession>;
  /** For another number of head steps than before; not kept. */
  readonly steps: () => Promise<InferenceSession>;
}

type Tensors = Record<string, Tensor>;

const ROLE_MASKED = 0;
const ROLE_COMPLETE = 1;

/** A model's graphs as onnxruntime-web sessions, by the names of docs/model-format.md. */
export class OnnxGraphs implements Graphs {
  readonly manifest: Manifest;
  readonly normalTable: Float32Array;
  readonly #sessions: Sessions;
  readonly #open: Opening;
  #encoder: InferenceSession | undefined;
  readonly #looks = new LastComputed<Reference>();
  readonly #turned = new LastComputed<PastSlots>();
  readonly #steps = new LastComputed<string>();

  constructor(manifest: Manifest, normalTable: Float32Array, sessions: Sessions, open: Opening) {
    this.manifest = manifest;
    this.normalTable = normalTable;
    this.#sessions = sessions;
    this.#open = open;
  }

  async encode(pixels: Float32Array, reference: Reference | null): Promise<Float32Array> {
    const { width, height, channels } = this.manifest.frame;
    const looks = await this.#looksOf(reference);
    this.#encoder ??= await this.#open.encoder();
    const frame = floats(pixels, [1, channels, height, width]);
    const { latents } = await run(this.#encoder, { frame, ...looks }, ['latents']);
    return floatsOf(latents);
  }

  async predict(frame: MaskedFrame, past: PastSlots): Promise<Float32Array> {
    const feeds = await this.#backboneFeeds(ROLE_MASKED, frame, frame.mask, past);
    const { z } = await run(this.#sessions.backbone, feeds, ['z']);
    return floatsOf(z);
  }

  async commit(frame: CompleteFrame, past: PastSlots): Promise<KeysAndValues> {
    const nothingMasked = new Float32Array(this.manifest.tokenizer.tokens);
    const feeds = await this.#backboneFeeds(ROLE_COMPLETE, frame, nothingMasked, past);
    const { k, v } = await run(this.#sessions.backbone, feeds, ['k', 'v']);
    return { k: floatsOf(k), v: floatsOf(v) };
  }

  async sample({ z, noise, times }: HeadInputs): Promise<Float32Array> {
    const { tokenizer, backbone } = this.manifest;
    const rows = noise.length / tokenizer.channels;
    const feeds = {
      z: floats(z, [rows, backbone.width]),
      noise: floats(noise, [rows, tokenizer.channels]),
      ...(await this.#stepsOf(times)),
    };
    const { latents } = await run(this.#sessions.head, feeds, ['latents']);
    return floatsOf(latents);
  }

  async decode(
    latents: Float32Array,
    reference: Reference | null,
    pause: () => Promise<void>,
  ): Promise<DecodedFrame> {
    const { tokenizer, frame } = this.manifest;
    const { sketch, decoder } = this.#sessions;
    const known = {
      latents: floats(latents, [tokenizer.tokens, tokenizer.channels]),
      ...(await this.#looksOf(reference, pause)),
    };
    if (!sketch) {
      const { frame: pixels } = await run(decoder, known, ['frame']);
      return { pixels: floatsOf(pixels), channels: frame.channels };
    }
    const sketched = await runAll(sketch, known);
    await pause();
    const { indices, colours } = await run(decoder, { ...known, ...sketched }, ['indices', 'colours']);
    release(sketched);
    return { pixels: floatsOf(colours), channels: 4, indices: indices?.data as Int32Array };
  }

  /** Frees the sessions; the graphs cannot be used again. */
  async release(): Promise<void> {
    for (const session of [...Object.values(this.#sessions), this.#encoder]) await session?.release();
  }

  async #backboneFeeds(
    role: number,
    frame: CompleteFrame,
    mask: Float32Array,
    past: PastSlots,
  ): Promise<Tensors> {
    const { tokens, channels } = this.manifest.tokenizer;
    return {
      latents: floats(frame.latents, [tokens, channels]),
      mask: floats(mask, [tokens]),
      role: integer(role),
      noise_level: integer(0),
      interval: integer(frame.interval),
      label: integer(frame.label),
      ...(await this.#turnedPast(past)),
    };
  }

  /** What the passes of a frame share of the past. */
  #turnedPast(past: PastSlots): Promise<Tensors> {
    const { tokenizer, backbone } = this.manifest;
    const slots = [backbone.layers, backbone.window + 1, tokenizer.tokens, backbone.width];
    return this.#turned.of(past, () =>
      runAll(this.#sessions.past, {
        past_k: floats(past.k, slots),
        past_v: floats(past.v, slots),
        filled: floats(past.filled, [backbone.window + 1]),
      }),
    );
  }

  /** What all tokens share of the solver's times. */
  #stepsOf(times: Float32Array): Promise<Tensors> {
    return this.#steps.of(times.join(), async () => {
      const session = await this.#open.steps();
      try {
        return await runAll(session, { times: floats(times, [times.length]) });
      } finally {
        await session.release();
      }
    });
  }

  /** The palette and the reference's features. */
  async #looksOf(reference: Reference | null, pause = async () => {}): Promise<Tensors> {
    if (!reference) return {};
    return this.#looks.of(reference, async () => {
      const tensors = await this.#referenceTensors(reference);
      await pause();
      return tensors;
    });
  }

  async #referenceTensors({ given, indices, colours }: Reference): Promise<Tensors> {
    const session = this.#sessions.reference;
    if (!session) throw new Error(`${this.manifest.name} has no reference graph`);
    const { width, height } = this.manifest.frame;
    const palette = paletteTensor(colours);
    const inputs = {
      reference: new Tensor('int32', indices, [height, width]),
      palette: floats(palette, [palette.length / 4, 4]),
      has_reference: floats(Float32Array.of(given ? 1 : 0), [1]),
    };
    return { ...(await runAll(session, inputs)), palette: inputs.palette };
  }
}

/** The tensors computed for the last key: what many calls share is computed once. */
class LastComputed<Key extends object | string> {
  #last: { readonly key: Key; readonly tensors: Tensors } | undefined;

  async of(key: Key, compute: () => Promise<Tensors>): Promise<Tensors> {
    if (this.#last?.key === key) return this.#last.tensors;
    release(this.#last?.tensors ?? {});
    this.#last = undefined;
    const tensors = await compute();
    this.#last = { key, tensors };
    return tensors;
  }
}

function release(tensors: Tensors): void {
  for (const { data } of Object.values(tensors)) if (ArrayBuffer.isView(data)) free(data);
}

function runAll(session: InferenceSession, tensors: Tensors): Promise<Tensors> {
  return run(session, tensors, session.outputNames);
}

/** Runs a graph on those of `tensors` that it asks for, and on all that it asks for. */
async function run<Name extends string>(
  session: InferenceSession,
  tensors: Tensors,
  outputs: readonly Name[],
): Promise<Record<Name, Tensor>> {
  const feeds: Tensors = {};
  for (const name of session.inputNames) {
    const tensor = tensors[name];
    if (!tensor) throw new Error(`a graph asks for ${name}, which the format does not know`);
    feeds[name] = tensor;
  }
  return (await session.run(feeds, outputs)) as Record<Name, Tensor>;
}

function floats(data: Float32Array, shape: readonly number[]): Tensor {
  return new Tensor('float32', data, shape);
}

function integer(value: number): Tensor {
  return new Tensor('int32', Int32Array.of(value), [1]);
}

function floatsOf(tensor: Tensor): Float32Array {
  return tensor.data as Float32Array;
}
