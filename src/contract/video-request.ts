import { z } from 'zod';
import { limits } from './config.ts';
import { Failure } from './failure.ts';
import { type JobSpec, Palette } from './job.ts';
import type { Manifest } from './manifest.ts';
import { numberWithin, wholeNumber } from './refusal.ts';
import { frameCount, requestedLabels, requestFields, within } from './request-fields.ts';
import type { Sampling } from './sampling.ts';

/** The body of POST /v1/videos. Ranges that depend on the model are checked by jobSpec. */
export const VideoRequest = z
  .strictObject({
    ...requestFields,
    model: z
      .string('must be the name of a model')
      .optional()
      .describe("Name of a model. By default the service's first."),
    input_reference: z
      .union(
        [
          z.instanceof(Uint8Array).meta({ contentMediaType: 'image/*' }),
          z.string(),
          z.strictObject({ image_url: z.string() }),
        ],
        'must be an image file, a data: or https: URL, or {"image_url": URL}',
      )
      .optional()
      .describe(
        `The first frame: a file in a form, a data: or https: URL, or {"image_url": URL}. PNG, JPEG or WebP of at most ${limits.imagePixels / 1e6} million pixels, fitted to the size of the model. By default the model draws it.`,
      ),
    size: z
      .string('must be a size such as "64x64"')
      .optional()
      .describe('Must be the size that the model makes, which is the default.'),
    decode_steps: wholeNumber(1, Number.MAX_SAFE_INTEGER)
      .optional()
      .describe(
        'Passes of the backbone for each frame: quality against time. The model has a default and a maximum.',
      ),
    head_steps: wholeNumber(1, Number.MAX_SAFE_INTEGER)
      .optional()
      .describe("Steps of the diffusion head's solver. The model has a default and a maximum."),
    temperature: numberWithin(0, limits.temperature)
      .optional()
      .describe('How much noise tokens are drawn from; 1 is as in training.'),
    palette: z
      .enum(Palette.options, 'must be "first_frame" or "none"')
      .optional()
      .describe('`first_frame`, the default: only colours of the first frame; `none`: blended colours.'),
  })
  .meta({ id: 'VideoRequest' });
export type VideoRequest = z.infer<typeof VideoRequest>;

/**
 * Fills in the model's defaults and checks what depends on the model.
 * @param randomSeed used when the request names no seed
 * @throws Failure out_of_range, fields_conflict, label_unknown, labels_order, size_unsupported
 */
export function jobSpec(request: VideoRequest, manifest: Manifest, randomSeed: number): JobSpec {
  checkSize(request.size, manifest);
  const { defaults, frame } = manifest;
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
    ...sampling(request, defaults, manifest),
    firstFrameSampling: sampling(request, defaults.firstFrame ?? defaults, manifest),
    palette: request.palette ?? 'first_frame',
    labels: requestedLabels(request, manifest, 0) ?? [],
    metadata: request.metadata ?? {},
  };
}

/** What a request says of sampling holds for every frame, the first one included; the rest are the model's defaults. */
function sampling(
  { decode_steps, head_steps, temperature }: VideoRequest,
  defaults: Sampling,
  { tokenizer, limits }: Manifest,
): Sampling {
  return {
    decodeSteps: within('decode_steps', decode_steps, defaults.decodeSteps, tokenizer.tokens),
    headSteps: within('head_steps', head_steps, defaults.headSteps, limits.headSteps),
    temperature: temperature ?? defaults.temperature,
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
