import { z } from 'zod';
import { limits } from './config.ts';
import { Failure } from './failure.ts';
import type { JobSpec, LabelChange, Leg } from './job.ts';
import type { Manifest } from './manifest.ts';
import { wholeNumber } from './refusal.ts';
import { frameCount, requestedLabels, requestFields, within } from './request-fields.ts';

const { prompt, labels, frames, seconds, interval, seed, metadata, webhook_url } = requestFields;

const more = frames.describe("How many more frames; by default the model's number.");

const withoutId = {
  ...{ frames: more, seconds, prompt, labels, interval },
  webhook_url: webhook_url.describe('As for a new video; by default as before.'),
};

/** The body of POST /v1/videos/{id}/extend. */
export const ExtendRequest = z.strictObject(withoutId).meta({ id: 'ExtendRequest' });
type ExtendRequest = z.infer<typeof ExtendRequest>;

/** The same for POST /v1/videos/extensions, whose body names the video. */
export const ExtensionRequest = z
  .strictObject({
    ...withoutId,
    video: z
      .union([z.string(), z.strictObject({ id: z.string() })], 'must be the id of a video, or {"id": it}')
      .describe('The video to go on with: its id, or {"id": it}.'),
  })
  .meta({ id: 'ExtensionRequest' });

/** The body of POST /v1/videos/{id}/fork. */
export const ForkRequest = z
  .strictObject({
    frame: wholeNumber(0, limits.framesPerJob - 1)
      .optional()
      .describe('Index of the last shared frame; by default the last one there is.'),
    frames: frames.describe(
      'Length of the new video, shared frames included; by default as long as this one, or longer where all of it is shared.',
    ),
    seconds,
    seed,
    prompt,
    labels,
    interval,
    metadata,
    webhook_url,
  })
  .meta({ id: 'ForkRequest' });
type ForkRequest = z.infer<typeof ForkRequest>;

/** The body of POST /v1/videos/{id}/webhook. */
export const NotifyRequest = z
  .strictObject({
    webhook_url: webhook_url.describe('Where the event goes from now on; by default where it went before.'),
  })
  .meta({ id: 'NotifyRequest' });

/** What of a video a request to go on from it depends on. */
interface MadeVideo {
  readonly spec: JobSpec;
  readonly committedFrames: number;
}

/** More frames of a video, with every default filled in. */
export interface Extension {
  /** Index of the first new frame. */
  readonly from: number;
  /** Of the whole video after it. */
  readonly frames: number;
  /** Undefined: as before. */
  readonly interval: number | undefined;
  /** Of the new frames; undefined: as before. */
  readonly labels: LabelChange[] | undefined;
  /** Undefined: as before. */
  readonly webhookUrl: string | undefined;
}

/**
 * Fills in the defaults of an extension: as many frames as the model makes by default, drawn as those before.
 * @throws Failure out_of_range, fields_conflict, label_unknown, labels_order
 */
export function extension(
  request: ExtendRequest,
  { spec, committedFrames: from }: MadeVideo,
  manifest: Manifest,
): Extension {
  const maximum = limits.framesPerJob - from;
  if (maximum < 1) {
    throw new Failure(
      'out_of_range',
      `The video has ${from} frames, and no video has more than ${limits.framesPerJob}; fork it at an earlier frame.`,
      'frames',
    );
  }
  const more = frameCount(request, spec.framesPerSecond, {
    minimum: 1,
    maximum,
    byDefault: Math.min(manifest.defaults.frames, maximum),
    because: `, because the video has ${from} and may have ${limits.framesPerJob}`,
  });
  const newLabels = requestedLabels(request, manifest, from);
  if (newLabels !== null) goneOn(spec.labels, newLabels, from);
  const interval =
    request.interval === undefined
      ? undefined
      : within('interval', request.interval, 1, manifest.interval.maximum);
  checkLegs(extendedLegs(spec.legs, from, interval), 'interval', 'leave interval out to go on as before');
  const { webhook_url: webhookUrl } = request;
  return { from, frames: from + more, interval, labels: newLabels ?? undefined, webhookUrl };
}

/** The legs of an extended video: the last one goes on, also where a fork was ended before it had begun. */
export function extendedLegs(legs: readonly Leg[], from: number, interval: number | undefined): Leg[] {
  const last = legs.at(-1);
  if (last === undefined) throw new RangeError('a video has at least one leg');
  return legsFrom(legs, { ...last, from, interval: interval ?? last.interval });
}

/** The legs before another one, and that one only where it changes anything. */
function legsFrom(legs: readonly Leg[], next: Leg): Leg[] {
  const before = legs.filter(({ from }) => from < next.from);
  const holds = before.at(-1);
  const isSame = holds?.seed === next.seed && holds.interval === next.interval;
  return isSame ? before : [...before, next];
}

function checkLegs({ length }: readonly Leg[], param: string, wayOut: string): void {
  if (length <= limits.legsPerJob) return;
  throw new Failure(
    'out_of_range',
    `seed or interval may change ${limits.legsPerJob - 1} times in a video, and this would be one more; ${wayOut}.`,
    param,
  );
}

/**
 * The spec of a video that shares the first frames of another one, and how many they are.
 * @param randomSeed used when the request names no seed
 * @throws Failure out_of_range, fields_conflict, label_unknown, labels_order, seed_unsafe
 */
export function forkSpec(
  request: ForkRequest,
  { spec, committedFrames }: MadeVideo,
  manifest: Manifest,
  randomSeed: number,
): { spec: JobSpec; sharedFrames: number } {
  const from = sharedFrames(request, committedFrames);
  const total = frameCount(request, spec.framesPerSecond, {
    minimum: from + 1,
    maximum: limits.framesPerJob,
    byDefault:
      spec.frames > from ? spec.frames : Math.min(from + manifest.defaults.frames, limits.framesPerJob),
    because: `, because it counts the ${from} shared frames, too`,
  });
  const newLabels = requestedLabels(request, manifest, from);
  const before = spec.legs.findLast((leg) => leg.from < from)?.interval ?? manifest.interval.default;
  const interval = within('interval', request.interval, before, manifest.interval.maximum);
  const legs = legsFrom(spec.legs, { from, seed: request.seed ?? randomSeed, interval });
  checkLegs(legs, 'frame', 'fork it at an earlier frame');
  const forked: JobSpec = {
    ...spec,
    frames: total,
    legs,
    labels: newLabels === null ? spec.labels : goneOn(spec.labels, newLabels, from),
    metadata: request.metadata ?? {},
  };
  return { spec: forked, sharedFrames: from };
}

function sharedFrames({ frame }: ForkRequest, committedFrames: number): number {
  const last = Math.min(committedFrames, limits.framesPerJob - 1) - 1;
  const index = frame ?? last;
  if (index >= 0 && index <= last) return index + 1;
  throw new Failure(
    'out_of_range',
    last < 0
      ? 'frame is the last shared frame, but the video has none yet; fork it when frames.committed is above 0.'
      : `frame must be a frame that is made and leaves room for another one, 0 to ${last}; it was ${index}.`,
    'frame',
  );
}

/** The schedule before a frame, and another one from there on. */
function goneOn(before: readonly LabelChange[], after: readonly LabelChange[], from: number): LabelChange[] {
  const whole = [...before.filter((change) => change.from < from), ...after];
  if (whole.length <= limits.scheduleEntries) return whole;
  throw new Failure(
    'out_of_range',
    `labels may have at most ${limits.scheduleEntries} entries together with the ones before frame ${from}; they are ${whole.length}.`,
    'labels',
  );
}
