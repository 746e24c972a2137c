import { z } from 'zod';
import { limits } from './config.ts';
import { Failure } from './failure.ts';
import { type JobSpec, Palette } from './job.ts';
import type { Manifest } from './manifest.ts';
import { numberWithin, parsed, wholeNumber } from './refusal.ts';
import { frameCount, requestedLabels, requestFields, within } from './request-fields.ts';

/** The body of POST /v1/videos. Ranges that depend on the model are checked by jobSpec. */
const VideoRequest = z.strictObject({
  ...requestFields,
  model: z.string('must be the name of a model').optional(),
  input_reference: z
    .union(
      [z.instanceof(Uint8Array), z.string(), z.strictObject({ image_url: z.string() })],
      'must be an image file, a data: or https: URL, or {"image_url": URL}',
    )
    .optional(),
  size: z.string('must be a size such as "64x64"').optional(),
  decode_steps: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  head_steps: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  temperature: numberWithin(0, limits.temperature).optional(),
  palette: z.enum(Palette.options, 'must be "first_frame" or "none"').optional(),
});
export type VideoRequest = z.infer<typeof VideoRequest>;

/**
 * Checks the shape of a request's body.
 * @throws Failure field_required, unknown_field, type_mismatch, out_of_range, seed_unsafe
 */
export function parseVideoRequest(body: unknown): VideoRequest {
  return parsed(VideoRequest, body);
}

/**
 * Fills in the model's defaults and checks what depends on the model.
 * @param randomSeed used when the request names no seed
 * @throws Failure out_of_range, fields_conflict, label_unknown, labels_order, size_unsupported
 */
export function jobSpec(request: VideoRequest, manifest: Manifest, randomSeed: number): JobSpec {
  checkSize(request.size, manifest);
  const { defaults, frame, tokenizer } = manifest;
  return {
    model: manifest.name,
    width: frame.width,
    height: frame.height,
    framesPerSecond: frame.perSecond,
    frames: frameCount(request, frame.perSecond, {
      minimum: 1,
      maximum: limits.framesPerJob,
      byDefault: defaults.frames,
    }),
    legs: [
      {
        from: 0,
        seed: request.seed ?? randomSeed,
        interval: within('interval', request.interval, manifest.interval.default, manifest.interval.maximum),
      },
    ],
    decodeSteps: within('decode_steps', request.decode_steps, defaults.decodeSteps, tokenizer.tokens),
    headSteps: within('head_steps', request.head_steps, defaults.headSteps, manifest.limits.headSteps),
    temperature: request.temperature ?? defaults.temperature,
    palette: request.palette ?? 'first_frame',
    labels: requestedLabels(request, manifest, 0) ?? [],
    metadata: request.metadata ?? {},
  };
}

function checkSize(size: string | undefined, manifest: Manifest): void {
  const own = `${manifest.frame.width}x${manifest.frame.height}`;
  if (size === undefined || size === own) return;
  throw new Failure(
    'size_unsupported',
    `size "${size}" is not made by model ${manifest.name}; it makes ${own}.`,
    'size',
  );
}
