import { z } from 'zod';
import { limits } from './config.ts';
import { Failure } from './failure.ts';
import type { LabelChange } from './job.ts';
import type { Manifest } from './manifest.ts';
import { urlProblem } from './public-url.ts';
import { wholeNumber } from './refusal.ts';

const seed = z
  .number('must be a whole number from 0 to 9007199254740991')
  .superRefine((value, context) => {
    const code = Math.abs(value) > Number.MAX_SAFE_INTEGER ? 'seed_unsafe' : 'out_of_range';
    if (Number.isSafeInteger(value) && value >= 0) return;
    const message =
      code === 'seed_unsafe'
        ? `must be at most ${Number.MAX_SAFE_INTEGER} (2^53 - 1), because larger numbers lose digits in JSON`
        : `must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`;
    context.addIssue({ code: 'custom', message, params: { code } });
  })
  .meta({ type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

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

const labels = z
  .array(labelEntry, 'must be a list of {"from": frame, "label": name}')
  .max(limits.scheduleEntries, `may have at most ${limits.scheduleEntries} entries`);

const metadata = z
  .record(
    z.string(),
    z
      .string('must be a text')
      .max(limits.metadataValueCharacters, `must be at most ${limits.metadataValueCharacters} characters`),
    'must be an object of texts',
  )
  .refine((entries) => Object.keys(entries).every((key) => key.length <= limits.metadataKeyCharacters), {
    message: `may have keys of at most ${limits.metadataKeyCharacters} characters`,
  })
  .refine((entries) => Object.keys(entries).length <= limits.metadataEntries, {
    message: `may have at most ${limits.metadataEntries} entries`,
    params: { code: 'out_of_range' },
  })
  .meta({
    maxProperties: limits.metadataEntries,
    propertyNames: { type: 'string', maxLength: limits.metadataKeyCharacters },
  });

const webhookUrl = z
  .string('must be an https: URL')
  .superRefine((text, context) => {
    const problem = urlProblem(text);
    if (problem === null) return;
    context.addIssue({ code: 'custom', message: problem.message, params: { code: problem.code } });
  })
  .meta({ format: 'uri', maxLength: limits.urlCharacters });

/** Fields of the requests that make frames. Ranges that depend on a model or a video are checked by the functions below. */
export const requestFields = {
  prompt: z
    .string('must be the name of a label')
    .optional()
    .describe('Label of all frames; `GET /v1/models` says which a model knows. By default none.'),
  labels: labels
    .optional()
    .describe(
      'A schedule of labels instead of one: each holds from frame `from` on, rising. Excludes `prompt`.',
    ),
  frames: wholeNumber(1, limits.framesPerJob)
    .optional()
    .describe("Length, a given first frame included; by default the model's."),
  seconds: seconds.optional().describe('Length instead of `frames`.'),
  interval: wholeNumber(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('Source frames between two frames: speed of motion. The model has a default and a maximum.'),
  seed: seed
    .optional()
    .describe('The same request with the same seed makes the same bytes; by default random.'),
  metadata: metadata.optional().describe(`Up to ${limits.metadataEntries} texts of your own.`),
  webhook_url: webhookUrl
    .optional()
    .describe('An https: URL that is called when the video is completed, failed or cancelled.'),
};

/** A number of frames that is allowed, and the one that is meant where a request names none. */
export interface FrameRange {
  readonly minimum: number;
  readonly maximum: number;
  readonly byDefault: number;
  /** Ends the message of a refusal with the reason of the range. */
  readonly because?: string;
}

/**
 * The number of frames that a request names by `frames` or `seconds`.
 * @throws Failure fields_conflict, out_of_range
 */
export function frameCount(
  request: { readonly frames?: number | undefined; readonly seconds?: number | undefined },
  perSecond: number,
  { minimum, maximum, byDefault, because = '' }: FrameRange,
): number {
  const { frames, seconds: duration } = request;
  if (frames !== undefined && duration !== undefined) {
    throw new Failure(
      'fields_conflict',
      'frames and seconds say the same thing; send one of them.',
      'seconds',
    );
  }
  const count = duration === undefined ? (frames ?? byDefault) : Math.round(duration * perSecond);
  if (count >= minimum && count <= maximum) return count;
  const param = duration === undefined ? 'frames' : 'seconds';
  const was =
    duration === undefined
      ? `frames must be a whole number from ${minimum} to ${maximum}${because}; it was ${count}.`
      : `seconds must give ${minimum} to ${maximum} frames at ${perSecond} a second${because}; ${duration} gives ${count}.`;
  throw new Failure('out_of_range', was, param);
}

/** @throws Failure out_of_range */
export function within(param: string, value: number | undefined, byDefault: number, maximum: number): number {
  if (value === undefined) return byDefault;
  if (value <= maximum) return value;
  throw new Failure(
    'out_of_range',
    `${param} must be a whole number from 1 to ${maximum}; it was ${value}.`,
    param,
  );
}

/**
 * The schedule of the frames from `start` on; null where a request names neither `prompt` nor `labels`.
 * @throws Failure fields_conflict, label_unknown, labels_order, out_of_range
 */
export function requestedLabels(
  request: { readonly prompt?: string | undefined; readonly labels?: readonly LabelChange[] | undefined },
  manifest: Manifest,
  start: number,
): LabelChange[] | null {
  const prompt = request.prompt?.trim() ?? '';
  const { labels: schedule } = request;
  if (schedule === undefined) {
    if (prompt === '') return null;
    checkLabel(prompt, manifest, 'prompt');
    return [{ from: start, label: prompt }];
  }
  if (prompt !== '') {
    throw new Failure(
      'fields_conflict',
      'prompt is one label for all frames and labels gives a schedule; send one of them.',
      'labels',
    );
  }
  schedule.forEach(({ from, label }, index) => {
    const param = `labels[${index}].from`;
    checkLabel(label, manifest, `labels[${index}].label`);
    if (from < start) {
      throw new Failure(
        'out_of_range',
        `${param} is ${from}, but frames 0 to ${start - 1} are made already; from counts frames of the whole video, so it must be at least ${start}.`,
        param,
      );
    }
    const previous = schedule[index - 1];
    if (previous === undefined || from > previous.from) return;
    throw new Failure(
      'labels_order',
      `${param} is ${from}, which is not after ${previous.from}; sort the schedule by from, each frame once.`,
      param,
    );
  });
  return [...schedule];
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
