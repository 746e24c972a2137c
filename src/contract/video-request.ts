import { z } from 'zod';
import { limits } from './config.ts';
import { Failure } from './failure.ts';
import { type JobSpec, type LabelChange, Palette } from './job.ts';
import type { Manifest } from './manifest.ts';
import { parsed, wholeNumber } from './refusal.ts';

const seed = z.number('must be a whole number from 0 to 9007199254740991').superRefine((value, context) => {
  const code = Math.abs(value) > Number.MAX_SAFE_INTEGER ? 'seed_unsafe' : 'out_of_range';
  if (Number.isSafeInteger(value) && value >= 0) return;
  const message =
    code === 'seed_unsafe'
      ? `must be at most ${Number.MAX_SAFE_INTEGER} (2^53 - 1), because larger numbers lose digits in JSON`
      : `must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`;
  context.addIssue({ code: 'custom', message, params: { code } });
});

const seconds = z.union(
  [
    z.number().positive(),
    z
      .string()
      .regex(/^\d+(\.\d+)?$/)
      .transform(Number)
      .pipe(z.number().positive()),
  ],
  'must be a number of seconds above 0',
);

const labelEntry = z.strictObject(
  { from: wholeNumber(0, limits.framesPerJob - 1), label: z.string('must be the name of a label') },
  'must be an object {"from": frame, "label": name}',
);

const metadata = z
  .record(
    z
      .string()
      .max(
        limits.metadataKeyCharacters,
        `may have keys of at most ${limits.metadataKeyCharacters} characters`,
      ),
    z
      .string('must be a text')
      .max(limits.metadataValueCharacters, `must be at most ${limits.metadataValueCharacters} characters`),
    'must be an object of texts',
  )
  .refine((entries) => Object.keys(entries).length <= limits.metadataEntries, {
    message: `may have at most ${limits.metadataEntries} entries`,
    params: { code: 'out_of_range' },
  });

/** The body of POST /v1/videos. Ranges that depend on the model are checked by jobSpec. */
export const VideoRequest = z.strictObject({
  model: z.string('must be the name of a model').optional(),
  prompt: z.string('must be the name of a label').optional(),
  labels: z
    .array(labelEntry, 'must be a list of {"from": frame, "label": name}')
    .max(limits.scheduleEntries, `may have at most ${limits.scheduleEntries} entries`)
    .optional(),
  input_reference: z
    .union(
      [z.instanceof(Uint8Array), z.string(), z.strictObject({ image_url: z.string() })],
      'must be an image file, a data: URL, or {"image_url": data: URL}',
    )
    .optional(),
  frames: wholeNumber(1, limits.framesPerJob).optional(),
  seconds: seconds.optional(),
  size: z.string('must be a size such as "64x64"').optional(),
  interval: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  seed: seed.optional(),
  decode_steps: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  head_steps: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  palette: z.enum(Palette.options, 'must be "first_frame" or "none"').optional(),
  metadata: metadata.optional(),
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
  return {
    model: manifest.name,
    width: manifest.frame.width,
    height: manifest.frame.height,
    framesPerSecond: manifest.frame.perSecond,
    frames: frameCount(request, manifest),
    interval: within('interval', request.interval, manifest.interval.default, manifest.interval.maximum),
    seed: request.seed ?? randomSeed,
    decodeSteps: within(
      'decode_steps',
      request.decode_steps,
      manifest.defaults.decodeSteps,
      manifest.tokenizer.tokens,
    ),
    headSteps: within(
      'head_steps',
      request.head_steps,
      manifest.defaults.headSteps,
      manifest.limits.headSteps,
    ),
    temperature: manifest.defaults.temperature,
    palette: request.palette ?? 'first_frame',
    labels: schedule(request, manifest),
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

function frameCount(request: VideoRequest, manifest: Manifest): number {
  if (request.seconds === undefined) return request.frames ?? manifest.defaults.frames;
  if (request.frames !== undefined) {
    throw new Failure(
      'fields_conflict',
      'frames and seconds say the same thing; send one of them.',
      'seconds',
    );
  }
  const count = Math.round(request.seconds * manifest.frame.perSecond);
  if (count >= 1 && count <= limits.framesPerJob) return count;
  throw new Failure(
    'out_of_range',
    `seconds must give 1 to ${limits.framesPerJob} frames at ${manifest.frame.perSecond} a second; ${request.seconds} gives ${count}.`,
    'seconds',
  );
}

function within(param: string, value: number | undefined, byDefault: number, maximum: number): number {
  if (value === undefined) return byDefault;
  if (value <= maximum) return value;
  throw new Failure(
    'out_of_range',
    `${param} must be a whole number from 1 to ${maximum}; it was ${value}.`,
    param,
  );
}

function schedule(request: VideoRequest, manifest: Manifest): LabelChange[] {
  const prompt = request.prompt?.trim() ?? '';
  if (request.labels === undefined) {
    if (prompt !== '') checkLabel(prompt, manifest, 'prompt');
    return prompt === '' ? [] : [{ from: 0, label: prompt }];
  }
  if (prompt !== '') {
    throw new Failure(
      'fields_conflict',
      'prompt labels the whole video and labels gives a schedule; send one of them.',
      'labels',
    );
  }
  request.labels.forEach(({ from, label }, index) => {
    checkLabel(label, manifest, `labels[${index}].label`);
    const previous = request.labels?.[index - 1];
    if (previous !== undefined && from <= previous.from) {
      throw new Failure(
        'labels_order',
        `labels[${index}].from is ${from}, which is not after ${previous.from}; sort the schedule by from, each frame once.`,
        `labels[${index}].from`,
      );
    }
  });
  return request.labels;
}

function checkLabel(label: string, manifest: Manifest, param: string): void {
  if (manifest.labels.includes(label)) return;
  const known = manifest.labels.length === 0 ? 'it knows none' : `it knows ${manifest.labels.join(', ')}`;
  throw new Failure(
    'label_unknown',
    `${param} "${label}" is no label of model ${manifest.name}; ${known}.`,
    param,
  );
}
