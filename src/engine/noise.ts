import { philox4x32, type Words } from './philox.ts';

const WORD = 2 ** 32;
const HEAD_STEPS_PER_DECODE_STEP = 2 ** 16;

/** Where in a generation noise is drawn; decode step 0 is the order, head step 0 the starting noise. */
export interface NoisePlace {
  readonly frame: number;
  readonly decodeStep: number;
  readonly token: number;
}

/** The words of one lane, channels 4 * lane to 4 * lane + 3. Seed: 0 to 2^53 - 1. */
export function noiseWords(seed: number, { frame, decodeStep, token }: NoisePlace, lane: number): Words {
  const counter: Words = [frame, decodeStep * HEAD_STEPS_PER_DECODE_STEP, token, lane];
  return philox4x32(counter, seed % WORD, Math.floor(seed / WORD));
}

/**
 * A random word as a normal deviate times `scale`, by linear interpolation in the table of
 * quantiles. Exactly rounded operations only, so every language makes the same noise.
 */
export function normalDeviate(word: number, quantiles: Float32Array, scale: number): number {
  const place = (word * (quantiles.length - 1)) / WORD;
  const below = Math.floor(place);
  const low = quantiles[below] as number;
  const high = quantiles[below + 1] as number;
  return Math.fround((low + (high - low) * (place - below)) * scale);
}

/**
 * Starting noise of some tokens of a frame, [n, channels].
 * @param quantiles of the normal distribution, as the model ships them
 */
export function normalNoise(
  { seed, temperature }: { readonly seed: number; readonly temperature: number },
  { frame, decodeStep, tokens }: { frame: number; decodeStep: number; tokens: readonly number[] },
  channels: number,
  quantiles: Float32Array,
): Float32Array {
  const noise = new Float32Array(tokens.length * channels);
  tokens.forEach((token, row) => {
    for (let lane = 0; lane * 4 < channels; lane++) {
      const words = noiseWords(seed, { frame, decodeStep, token }, lane);
      words.slice(0, channels - lane * 4).forEach((word, place) => {
        noise[row * channels + lane * 4 + place] = normalDeviate(word, quantiles, temperature);
      });
    }
  });
  return noise;
}
