import {
  type GoldenVideo,
  goldenFloats,
  goldenValues,
  type QuantisedGolden,
} from '../contract/golden-vectors.ts';
import { labelId, type Manifest } from '../contract/manifest.ts';
import type { GeneratedFrame, GenerationPlan, LabelChange } from '../engine/generation.ts';
import { sha256Hex } from './model-files.ts';

const GREY = 128;
const PSNR_FLOOR = 1e-6;

/** The plan that makes a golden video. */
export function goldenPlan(video: GoldenVideo, manifest: Manifest): GenerationPlan {
  const { seed, frames, interval, labels, decodeSteps, headSteps, temperature, firstFrame } = video;
  return {
    seed,
    endFrame: frames,
    interval,
    labels: goldenLabels(labels, manifest),
    decodeSteps,
    headSteps,
    temperature,
    palette: 'first_frame',
    ...(firstFrame && {
      firstFrame: withAlpha(goldenValues(firstFrame) as Uint8Array, manifest.frame.channels),
    }),
  };
}

/** A schedule of label names as one of ids. */
export function goldenLabels(labels: GoldenVideo['labels'], manifest: Manifest): LabelChange[] {
  return labels.map(({ from, label }) => {
    const id = labelId(manifest, label);
    if (id === undefined) throw new RangeError(`${manifest.name} has no label ${label}`);
    return { from, label: id };
  });
}

/** A generated golden video beside the one that PyTorch made. */
export async function goldenSummary(
  frames: readonly GeneratedFrame[],
  video: GoldenVideo,
  { frame }: Pick<Manifest, 'frame'>,
): Promise<QuantisedGolden> {
  const latents = concatenated(frames.map((made) => made.latents));
  const pixels = Uint8Array.from(frames.flatMap((made) => withoutAlpha(made.pixels, frame.channels)));
  const wanted = withAlpha(goldenValues(video.pixels) as Uint8Array, frame.channels);
  return {
    latentsSha256: await sha256Hex(new Uint8Array(latents.buffer)),
    pixelsSha256: await sha256Hex(pixels),
    distanceFromFloat: {
      latentMeanAbsolute: meanAbsolute(latents, goldenFloats(video.latents)),
      pixelPsnr: psnr(withAlpha(pixels, frame.channels), wanted),
    },
  };
}

function meanAbsolute(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] as number)), 0) / a.length;
}

/** Peak signal to noise of RGBA images on grey, in dB; mean squared error floored at 1e-6. */
function psnr(a: Uint8ClampedArray, b: Uint8ClampedArray): number {
  let squared = 0;
  for (let pixel = 0; pixel < a.length; pixel += 4) {
    for (let channel = 0; channel < 3; channel++) {
      squared += ((onGrey(a, pixel, channel) - onGrey(b, pixel, channel)) / 255) ** 2;
    }
  }
  return -10 * Math.log10(Math.max(PSNR_FLOOR, squared / ((a.length / 4) * 3)));
}

function onGrey(rgba: Uint8ClampedArray, pixel: number, channel: number): number {
  const alpha = (rgba[pixel + 3] as number) / 255;
  return (rgba[pixel + channel] as number) * alpha + GREY * (1 - alpha);
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

/** [n, channels] -> RGBA [n, 4] */
export function withAlpha(pixels: Uint8Array, channels: 3 | 4): Uint8ClampedArray {
  if (channels === 4) return Uint8ClampedArray.from(pixels);
  return Uint8ClampedArray.from({ length: (pixels.length / 3) * 4 }, (_, i) =>
    i % 4 === 3 ? 255 : (pixels[Math.floor(i / 4) * 3 + (i % 4)] as number),
  );
}

/** RGBA [n, 4] -> [n, channels] */
function withoutAlpha(rgba: Uint8ClampedArray, channels: 3 | 4): number[] {
  return [...rgba].filter((_, i) => channels === 4 || i % 4 !== 3);
}
