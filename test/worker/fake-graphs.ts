import type { KeysAndValues } from '../../src/engine/frame-cache.ts';
import type {
  CompleteFrame,
  DecodedFrame,
  Graphs,
  HeadInputs,
  MaskedFrame,
} from '../../src/engine/graphs.ts';
import type { PastSlots } from '../../src/engine/past.ts';
import { sampleManifest } from '../contract/sample-manifest.ts';

const { tokens, channels } = sampleManifest.tokenizer;
const { width, layers } = sampleManifest.backbone;
const { frame } = sampleManifest;

/**
 * The sample model without training: every output is a hash over all that it may depend on, so that a wrong past is a
 * wrong frame. K and V follow from latents and conditions alone: those rebuilt are those stored.
 */
export const fakeGraphs: Graphs = {
  manifest: sampleManifest,
  normalTable: Float32Array.of(-3, -1, 0, 1, 3),
  encode: async (pixels) => numbers(tokens * channels, [pixels]),
  predict: async ({ latents, mask, interval, label }: MaskedFrame, { k, v, filled }: PastSlots) =>
    numbers(tokens * width, [latents, mask, Float32Array.of(interval, label), k, v, filled]),
  commit: async ({ latents, interval, label }: CompleteFrame): Promise<KeysAndValues> => {
    const conditions = Float32Array.of(interval, label);
    return {
      k: numbers(layers * tokens * width, [latents, conditions]),
      v: numbers(layers * tokens * width, [conditions, latents]),
    };
  },
  sample: async ({ z, noise, times }: HeadInputs) => {
    const drawn = numbers(noise.length, [z, times]);
    return noise.map((value, place) => value / 4 + (drawn[place] as number));
  },
  decode: async (latents): Promise<DecodedFrame> => ({
    pixels: numbers(frame.channels * frame.width * frame.height, [latents]),
    channels: frame.channels,
  }),
};

/** Numbers from 0 to 1 that float32 keeps, from a hash over all bytes. */
function numbers(count: number, of: readonly Float32Array[]): Float32Array {
  let state = 0x811c9dc5;
  for (const part of of) {
    for (const byte of new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
      state = Math.imul(state ^ byte, 0x01000193);
  }
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 16) / 0xffff;
  });
}
