import type { Manifest } from '../../src/contract/manifest.ts';
import type { KeysAndValues } from '../../src/engine/frame-cache.ts';
import type { DecodedFrame, Graphs, HeadInputs, MaskedFrame, Reference } from '../../src/engine/graphs.ts';
import type { PastSlots } from '../../src/engine/past.ts';

const TOKENS = 16;
const CHANNELS = 4;
const WIDTH = 5;
const LAYERS = 3;
const WINDOW = 2;

const GRAPH = { file: 'none.onnx', shards: [], multiplyAdds: 0 };

/** A referenced 4 x 4 RGBA model: 16 tokens of 4 channels, 3 layers, window 2. */
export const naiveManifest: Manifest = {
  format: 1,
  name: 'naive',
  description: 'arithmetic with the data flow of the real graphs',
  licence: 'Apache-2.0',
  credits: 'CREDITS.md',
  precision: 'float',
  frame: { width: 4, height: 4, channels: 4, perSecond: 8 },
  tokenizer: {
    kind: 'referenced',
    tokens: TOKENS,
    channels: CHANNELS,
    palette: Array.from({ length: 64 }, (_, i) => [i, 2 * i, 3 * i, i === 0 ? 0 : 255]),
  },
  backbone: { width: WIDTH, layers: LAYERS, heads: 1, window: WINDOW },
  labels: ['walk', 'jump'],
  interval: { default: 1, maximum: 4 },
  latentBound: 4,
  defaults: { frames: 16, decodeSteps: 4, headSteps: 2, temperature: 1 },
  limits: { headSteps: 8 },
  graphs: {
    encoder: GRAPH,
    past: GRAPH,
    backbone: GRAPH,
    steps: GRAPH,
    head: { ...GRAPH, multiplyAdds: { fixed: 0, perStep: 0 } },
    decoder: GRAPH,
    reference: GRAPH,
    sketch: GRAPH,
  },
  normalTable: 'normal.bin',
  files: {},
  quantisation: {},
  training: {},
  quality: {},
};

/**
 * The graphs as plain loops over numbers: not trained, but every output depends on every input that
 * the real graphs read, layer by layer, and on the filled slots only. `calls` lists what was called.
 */
export class NaiveGraphs implements Graphs {
  readonly manifest = naiveManifest;
  readonly normalTable = Float32Array.of(-3, -1, -0.3, 0.3, 1, 3);
  readonly calls: string[] = [];

  async encode(pixels: Float32Array, reference: Reference | null): Promise<Float32Array> {
    this.calls.push('encode');
    return Float32Array.from(pixels, (value, i) => 10 * Math.sin(value + i) + (reference?.given ? 1 : 0));
  }

  async predict({ latents, mask, interval, label }: MaskedFrame, past: PastSlots): Promise<Float32Array> {
    this.calls.push('predict');
    const rows = Array.from(mask, (unknown, token) => unknown * 3 + latentSum(latents, token));
    return pass(rows, interval + 0.1 * label, past).hidden;
  }

  async commit(
    { latents, interval, label }: Omit<MaskedFrame, 'mask'>,
    past: PastSlots,
  ): Promise<KeysAndValues> {
    this.calls.push('commit');
    const rows = Array.from({ length: TOKENS }, (_, token) => latentSum(latents, token));
    return pass(rows, 7 + interval + 0.1 * label, past);
  }

  async sample({ z, noise, times }: HeadInputs): Promise<Float32Array> {
    this.calls.push('sample');
    return noise.map(
      (value, i) => value + Math.sin(z[Math.floor(i / CHANNELS) * WIDTH] as number) * times.length,
    );
  }

  async decode(latents: Float32Array, reference: Reference | null): Promise<DecodedFrame> {
    this.calls.push('decode');
    const colours = (reference?.colours.length ?? 4) / 4;
    const scores = Array.from({ length: TOKENS }, (_, token) => Math.abs(latentSum(latents, token)));
    return {
      pixels: latents.map((value) => Math.abs(value) / 4),
      channels: 4,
      indices: Int32Array.from(scores, (score, pixel) => Math.floor(score * 97 + pixel) % colours),
    };
  }
}

function latentSum(latents: Float32Array, token: number): number {
  return latents.subarray(token * CHANNELS, (token + 1) * CHANNELS).reduce((sum, value) => sum + value, 0);
}

/** Every layer writes its K and V, then reads the filled slots of the same layer. */
function pass(
  rows: readonly number[],
  condition: number,
  past: PastSlots,
): KeysAndValues & { hidden: Float32Array } {
  const size = TOKENS * WIDTH;
  const k = new Float32Array(LAYERS * size);
  const v = new Float32Array(LAYERS * size);
  let hidden = Float32Array.from({ length: size }, (_, i) =>
    Math.sin((rows[Math.floor(i / WIDTH)] ?? 0) + condition + i),
  );
  for (let layer = 0; layer < LAYERS; layer++) {
    k.set(hidden, layer * size);
    v.set(
      hidden.map((value) => 2 * value),
      layer * size,
    );
    hidden = hidden.map((value, i) => Math.sin(2 * value + readPast(past, layer, i)));
  }
  return { hidden, k, v };
}

function readPast({ k, v, filled }: PastSlots, layer: number, place: number): number {
  let sum = 0;
  filled.forEach((isFilled, slot) => {
    const at = (layer * (WINDOW + 1) + slot) * TOKENS * WIDTH + place;
    if (isFilled) sum += (slot + 1) * (k[at] as number) * (v[at] as number);
  });
  return sum;
}
