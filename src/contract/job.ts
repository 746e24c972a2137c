import { z } from 'zod';

/** States of a job that its owner sees; src/job/state-table.ts moves them. */
export const VideoStatus = z.enum(['queued', 'in_progress', 'paused', 'completed', 'failed', 'cancelled']);
export type VideoStatus = z.infer<typeof VideoStatus>;

/** All states: of an expired and of a removed job nothing but this and what the account must hear is left. */
export const JobStatus = z.enum([...VideoStatus.options, 'expired', 'removed']);
export type JobStatus = z.infer<typeof JobStatus>;

/** The frame from which on a label holds. */
export const LabelChange = z.strictObject({ from: z.int(), label: z.string() });
export type LabelChange = z.infer<typeof LabelChange>;

/** The frames from `from` on are drawn with this seed and interval; a video gets another leg by extend or fork. */
export const Leg = z.strictObject({ from: z.int(), seed: z.int(), interval: z.int() });
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
  decodeSteps: z.int(),
  headSteps: z.int(),
  temperature: z.number(),
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

/** A job as the API shows it. Times are Unix seconds. */
export const Video = z.object({
  id: z.string(),
  object: z.literal('video'),
  status: VideoStatus,
  /** Percent of the frames, rounded down. */
  progress: z.number(),
  model: z.string(),
  /** The label, where a single one holds for the whole video. */
  prompt: z.string().nullable(),
  labels: z.array(LabelChange),
  seconds: z.string(),
  size: z.string(),
  frames: z.object({ requested: z.number(), committed: z.number() }),
  /** Of the last leg. */
  interval: z.number(),
  /** Of the last leg. */
  seed: z.number(),
  /** Which seed and interval hold from which frame on. */
  legs: z.array(Leg),
  /** The video whose first frames this one shares, and how many they are. */
  forked_from: z.object({ id: z.string(), frames: z.number() }).nullable(),
  decode_steps: z.number(),
  head_steps: z.number(),
  temperature: z.number(),
  palette: Palette,
  metadata: z.record(z.string(), z.string()),
  created_at: z.number(),
  completed_at: z.number().nullable(),
  /** When a video that rests (finished or paused) will be deleted; null while it is made. */
  expires_at: z.number().nullable(),
  error: JobError.nullable(),
});
export type Video = z.infer<typeof Video>;

/** One page of a list. */
export const VideoList = z.object({
  object: z.literal('list'),
  data: z.array(Video),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
});
export type VideoList = z.infer<typeof VideoList>;

/** Every refusal and failure, as the API shows it. */
export const ErrorBody = z.object({
  error: z.object({
    message: z.string(),
    type: z.enum(['invalid_request_error', 'server_error']),
    code: z.string(),
    param: z.string().nullable(),
  }),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

/** A model as the API shows it: what a caller needs to write a request. */
export const ModelCard = z.object({
  id: z.string(),
  object: z.literal('model'),
  description: z.string(),
  licence: z.string(),
  precision: z.string(),
  size: z.string(),
  channels: z.number(),
  frames_per_second: z.number(),
  labels: z.array(z.string()),
  frames: z.object({ default: z.number(), maximum: z.number() }),
  interval: z.object({ default: z.number(), maximum: z.number() }),
  decode_steps: z.object({ default: z.number(), maximum: z.number() }),
  head_steps: z.object({ default: z.number(), maximum: z.number() }),
  temperature: z.object({ default: z.number(), maximum: z.number() }),
});
export type ModelCard = z.infer<typeof ModelCard>;
