import { z } from 'zod';
import { Sampling } from './sampling.ts';

const ELEMENTS = {
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
} as const;

/** A tensor in a JSON file, little-endian. */
export const GoldenTensor = z.object({
  dtype: z.enum(['float32', 'int32', 'int64', 'uint8']),
  shape: z.array(z.int().nonnegative()),
  base64: z.base64(),
});
export type GoldenTensor = z.infer<typeof GoldenTensor>;

const Tensors = z.record(z.string(), GoldenTensor);
const Schedule = z.array(z.object({ from: z.int(), label: z.string() }));

/** A whole video from one seed, as PyTorch makes it. */
export const GoldenVideo = z.object({
  seed: z.int(),
  frames: z.int(),
  interval: z.int(),
  labels: Schedule,
  decodeSteps: z.int(),
  headSteps: z.int(),
  temperature: z.number(),
  /** Of frame 0, where `firstFrame` is null; absent: as the other frames. */
  firstFrameSampling: Sampling.optional(),
  firstFrame: GoldenTensor.nullable(),
  latents: GoldenTensor,
  pixels: GoldenTensor,
  latentTolerance: z.number(),
});
export type GoldenVideo = z.infer<typeof GoldenVideo>;

/** golden/float.json: docs/model-format.md, "Golden vectors". */
export const FloatGolden = z.object({
  normal: z.object({
    seed: z.int(),
    frame: z.int(),
    decodeStep: z.int(),
    tokens: z.int(),
    channels: z.int(),
    temperature: z.number(),
    values: GoldenTensor,
  }),
  order: z.object({ seed: z.int(), frame: z.int(), tokens: z.int(), values: GoldenTensor }),
  maskSchedule: z.record(z.string(), z.array(z.int())),
  head: z.object({ inputs: Tensors, outputs: Tensors }),
  history: z.object({
    seed: z.int(),
    frames: z.int(),
    interval: z.int(),
    labels: Schedule,
    maskedTokens: z.int(),
    checks: z.array(z.object({ frame: z.int(), z: GoldenTensor })),
  }),
  video: GoldenVideo,
});
export type FloatGolden = z.infer<typeof FloatGolden>;

/** golden/int8.json: the same video by the quantised graphs. */
export const QuantisedGolden = z.object({
  latentsSha256: z.string(),
  pixelsSha256: z.string(),
  distanceFromFloat: z.object({ latentMeanAbsolute: z.number(), pixelPsnr: z.number() }),
});
export type QuantisedGolden = z.infer<typeof QuantisedGolden>;

/** The values of a tensor, in its own type. */
export function goldenValues({
  dtype,
  base64,
}: GoldenTensor): InstanceType<(typeof ELEMENTS)[keyof typeof ELEMENTS]> {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new ELEMENTS[dtype](bytes.buffer);
}

/** The values of a float32 tensor. */
export function goldenFloats(tensor: GoldenTensor): Float32Array {
  const values = goldenValues(tensor);
  if (!(values instanceof Float32Array)) throw new TypeError(`${tensor.dtype} where float32 belongs`);
  return values;
}
