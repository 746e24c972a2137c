import { NumpyRandom } from './numpy-random.ts';

/** RGBA bytes [h, w, 4]. */
export type Frame = Uint8Array | Uint8ClampedArray;

/** Shown behind transparent pixels; and the alpha from which a pixel counts as opaque. */
const GREY = 128;

/** Perfect frames count as 60 dB. */
const SQUARED_ERROR_FLOOR = 1e-6;

const RESAMPLES = 2000;

/** Mean of values with its 95% bootstrap interval. */
export interface Summary {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** Peak signal to noise of frames on grey, in dB: 10 log10(1 / mean squared error). */
export function psnr(truth: readonly Frame[], made: readonly Frame[]): number {
  const errors = truth.map((frame, index) => squaredError(frame, made[index] as Frame));
  return -10 * Math.log10(Math.max(mean(errors), SQUARED_ERROR_FLOOR));
}

/** Share of pixels whose every byte is right, of those opaque in either; 1 if none is. */
export function exactColourShare(truth: readonly Frame[], made: readonly Frame[]): number {
  let opaque = 0;
  let right = 0;
  truth.forEach((frame, index) => {
    const other = made[index] as Frame;
    for (let at = 0; at < frame.length; at += 4) {
      if (Math.max(frame[at + 3] as number, other[at + 3] as number) < GREY) continue;
      opaque += 1;
      if ([0, 1, 2, 3].every((channel) => frame[at + channel] === other[at + channel])) right += 1;
    }
  });
  return opaque === 0 ? 1 : right / opaque;
}

/**
 * Mean and percentiles 2.5 and 97.5 of the means of resamples with replacement, the same as
 * `summary` of training/magi/evaluate.py.
 * Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3.
 */
export function summary(values: readonly number[]): Summary {
  const random = new NumpyRandom([0]);
  const means = Array.from({ length: RESAMPLES }, () => mean(values.map(() => random.pick(values))));
  means.sort((a, b) => a - b);
  return {
    mean: mean(values),
    low: quantile(means, 0.025),
    high: quantile(means, 0.975),
    count: values.length,
  };
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of sorted values, with linear interpolation. */
function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below] as number;
  return low + ((sorted[below + 1] ?? low) - low) * (place - below);
}

function squaredError(a: Frame, b: Frame): number {
  let sum = 0;
  for (let at = 0; at < a.length; at += 4) {
    for (let channel = 0; channel < 3; channel++) {
      sum += ((onGrey(a, at, channel) - onGrey(b, at, channel)) / 255) ** 2;
    }
  }
  return sum / ((a.length / 4) * 3);
}

function onGrey(rgba: Frame, at: number, channel: number): number {
  const alpha = (rgba[at + 3] as number) / 255;
  return (rgba[at + channel] as number) * alpha + GREY * (1 - alpha);
}
