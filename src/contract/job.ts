import { z } from 'zod';
import { limits } from './config.ts';
import { Sampling } from './sampling.ts';
import { Webhook } from './webhook.ts';

/** States of a job that its owner sees; src/job/state-table.ts moves them. */
export const VideoStatus = z.enum(['queued', 'in_progress', 'paused', 'completed', 'failed', 'cancelled']);
export type VideoStatus = z.infer<typeof VideoStatus>;

/** All states: of an expired and of a removed job nothing but this and what the account must hear is left. */
export const JobStatus = z.enum([...VideoStatus.options, 'expired', 'removed']);
export type JobStatus = z.infer<typeof JobStatus>;

/** The frame from which on a label holds. */
export const LabelChange = z.strictObject({ from: z.int(), label: z.string() }).meta({ id: 'LabelChange' });
export type LabelChange = z.infer<typeof LabelChange>;

/** The frames from `from` on are drawn with this seed and interval; a video gets another leg by extend or fork. */
export const Leg = z
  .strictObject({ from: z.int(), seed: z.int(), interval: z.int() })
  .meta({ id: 'Leg', description: 'From this frame on, frames are drawn with this seed and interval.' });
export type Leg = z.infer<typeof Leg>;

export const Palette = z.enum(['first_frame', 'none']);
export type Palette = z.infer<typeof Palette>;

/** A request for a video with every default filled in: what a job stores, and all that its frames depend on. */
export const JobSpec = z.strictObject({
  model: z.string(),
  width: z.int(),
  height: z.int(),
  framesPerSecond: z.number(),
  /** Of the whole video, a given first frame included. */
  frames: z.int(),
  /** Ascending by `from`; the first begins at 0. */
  legs: z.array(Leg),
  ...Sampling.shape,
  /** Of frame 0, where the model draws it. */
  firstFrameSampling: Sampling,
  palette: Palette,
  /** Ascending by `from`; before the first entry there is no label. */
  labels: z.array(LabelChange),
  metadata: z.record(z.string(), z.string()),
});
export type JobSpec = z.infer<typeof JobSpec>;

const JobErrorCode = z.enum(['model_gone', 'source_gone', 'generation_failed']);

/** Why a job failed. */
export const JobError = z.object({ code: JobErrorCode, message: z.string() });
export type JobError = z.infer<typeof JobError>;

/** What a video costs in credits, over all its orders. */
export const Cost = z
  .object({
    quoted: z.int().describe('Price of all frames that were ordered: the sum of the three others.'),
    held: z.int().describe('Set aside for frames that are still to be made.'),
    captured: z.int().describe('For frames that were made.'),
    released: z.int().describe('Given back, because the frames will not be made.'),
  })
  .meta({ id: 'Cost', description: 'What a video costs in credits, over its creation and its extensions.' });
export type Cost = z.infer<typeof Cost>;

const unixSeconds = z.int().describe('Unix seconds.');

/** How frame 0 is drawn, as the API shows it. */
const FirstFrame = z
  .object({ decode_steps: z.int(), head_steps: z.int(), temperature: z.number() })
  .describe('Steps and temperature of frame 0, where the model draws it.');
export type FirstFrame = z.infer<typeof FirstFrame>;

const VideoLinks = z
  .object({
    content: z
      .string()
      .describe('The video, or what there is of it; takes `format`, `scale` and `variant`, too.'),
    events: z.string().describe('Its stream of events; takes `images` and `last_event_id`, too.'),
    frames: z.string().describe('Its frames, with `{n}` in place of the index.'),
  })
  .describe(
    `Paths, without the host, that need no key: for img, video and EventSource, which cannot send one. Whoever has one can look at this video, and nothing else, for ${limits.linkHours} to ${limits.linkHours + 1} hours.`,
  );
export type VideoLinks = z.infer<typeof VideoLinks>;

/** A job as the API shows it. Times are Unix seconds. */
export const Video = z
  .object({
    id: z.string(),
    object: z.literal('video'),
    status: VideoStatus,
    progress: z.int().describe('Percent of the frames, rounded down.'),
    model: z.string(),
    prompt: z.string().nullable().describe('The label, where a single one holds for the whole video.'),
    labels: z.array(LabelChange).describe('Which label holds from which frame on.'),
    seconds: z.string().describe('Length when all frames are made.'),
    size: z.string().describe('Width x height, such as `64x64`.'),
    frames: z
      .object({ requested: z.int(), committed: z.int() })
      .describe('Wanted and finished frames, a given first frame included.'),
    interval: z.int().describe('Source frames between two frames: speed of motion. Of the last leg.'),
    seed: z.int().describe('Of the last leg.'),
    legs: z.array(Leg).describe('Which seed and interval hold from which frame on.'),
    forked_from: z
      .object({ id: z.string(), frames: z.int() })
      .nullable()
      .describe('The video whose first frames this one shares, and how many they are.'),
    decode_steps: z.int().describe('Passes of the backbone for each frame.'),
    head_steps: z.int().describe("Steps of the diffusion head's solver."),
    temperature: z.number(),
    first_frame: FirstFrame,
    palette: Palette,
    metadata: z.record(z.string(), z.string()),
    cost: Cost,
    links: VideoLinks,
    created_at: unixSeconds,
    completed_at: unixSeconds.nullable().describe('When it was completed, failed or cancelled.'),
    expires_at: unixSeconds
      .nullable()
      .describe('When a video that rests (finished or paused) will be deleted; null while it is made.'),
    error: JobError.nullable().describe('Why it failed.'),
    webhook: Webhook.nullable().describe('Who is told of its end, and whether they were reached.'),
  })
  .meta({ id: 'Video', description: 'A job: one request for one video.' });
export type Video = z.infer<typeof Video>;

/** One page of a list. */
export const VideoList = z
  .object({
    object: z.literal('list'),
    data: z.array(Video),
    first_id: z.string().nullable(),
    last_id: z.string().nullable().describe('`after` of the next page.'),
    has_more: z.boolean(),
  })
  .meta({ id: 'VideoList' });
export type VideoList = z.infer<typeof VideoList>;

/** Every refusal and failure, as the API shows it. */
export const ErrorBody = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.enum(['invalid_request_error', 'server_error']),
      code: z.string(),
      param: z.string().nullable().describe('The field that is wrong.'),
    }),
  })
  .meta({ id: 'Error' });
export type ErrorBody = z.infer<typeof ErrorBody>;

/** A model as the API shows it: what a caller needs to write a request. */
export const ModelCard = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    description: z.string(),
    licence: z.string(),
    precision: z.string(),
    size: z.string(),
    channels: z.int(),
    frames_per_second: z.number(),
    labels: z.array(z.string()),
    frames: z.object({ default: z.int(), maximum: z.int() }),
    interval: z.object({ default: z.int(), maximum: z.int() }),
    decode_steps: z.object({ default: z.int(), maximum: z.int() }),
    head_steps: z.object({ default: z.int(), maximum: z.int() }),
    temperature: z.object({ default: z.number(), maximum: z.number() }),
    first_frame: FirstFrame,
  })
  .meta({ id: 'Model', description: 'What a caller needs to know of a model.' });
export type ModelCard = z.infer<typeof ModelCard>;

/** All models that are served. */
export const ModelList = z
  .object({ object: z.literal('list'), data: z.array(ModelCard) })
  .meta({ id: 'ModelList' });
export type ModelList = z.infer<typeof ModelList>;
