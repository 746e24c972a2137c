import { sha256Hex } from '../src/backend/model-files.ts';
import type { Raster } from '../src/contract/frame.ts';
import {
  type GoldenTensor,
  type GoldenVideo,
  goldenFloats,
  goldenValues,
  type QuantisedGolden,
} from '../src/contract/golden-vectors.ts';
import { labelId, type Manifest } from '../src/contract/manifest.ts';
import type { GeneratedFrame, GenerationPlan, LabelChange } from '../src/engine/generation.ts';
import { withAlpha, withoutAlpha } from '../src/media/raster.ts';
import { psnr } from './quality/metrics.ts';

/** The plan that makes a golden video. */
export function goldenPlan(video: GoldenVideo, manifest: Manifest): GenerationPlan {
  const { seed, frames, interval, labels, decodeSteps, headSteps, temperature, firstFrame } = video;
  return {
    endFrame: frames,
    legs: [{ from: 0, seed, interval }],
    labels: goldenLabels(labels, manifest),
    decodeSteps,
    headSteps,
    temperature,
    firstFrameSampling: video.firstFrameSampling ?? { decodeSteps, headSteps, temperature },
    palette: 'first_frame',
    passes: Number.POSITIVE_INFINITY,
    ...(firstFrame && { firstFrame: goldenPixels(firstFrame, manifest) }),
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
  manifest: Pick<Manifest, 'frame'>,
): Promise<QuantisedGolden> {
  const latents = concatenated(frames.map((made) => made.latents));
  const rgba = Uint8Array.from(frames.flatMap((made) => [...made.pixels]));
  const strip = stripOf(rgba, 4, manifest);
  const { pixels } = manifest.frame.channels === 4 ? strip : withoutAlpha(strip);
  return {
    latentsSha256: await sha256Hex(new Uint8Array(latents.buffer)),
    pixelsSha256: await sha256Hex(pixels),
    distanceFromFloat: {
      latentMeanAbsolute: meanAbsolute(latents, goldenFloats(video.latents)),
      pixelPsnr: psnr([rgba], [goldenPixels(video.pixels, manifest)]),
    },
  };
}

function meanAbsolute(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] as number)), 0) / a.length;
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

/** Frames of a golden tensor as RGBA [n, h, w, 4]. */
export function goldenPixels(tensor: GoldenTensor, manifest: Pick<Manifest, 'frame'>): Uint8ClampedArray {
  const strip = stripOf(goldenValues(tensor) as Uint8Array, manifest.frame.channels, manifest);
  return new Uint8ClampedArray(withAlpha(strip).pixels);
}

/** Frames below one another: one raster of all. */
function stripOf(pixels: Uint8Array, channels: 3 | 4, { frame }: Pick<Manifest, 'frame'>): Raster {
  return { width: frame.width, height: pixels.length / (frame.width * channels), channels, pixels };
}
