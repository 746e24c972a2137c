import { z } from 'zod';

/** States of a job; src/job/state-table.ts moves them. */
export const JobStatus = z.enum(['queued', 'in_progress', 'completed', 'failed']);
export type JobStatus = z.infer<typeof JobStatus>;

/** The frame from which on a label holds. */
export const LabelChange = z.strictObject({ from: z.int(), label: z.string() });
export type LabelChange = z.infer<typeof LabelChange>;

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
  interval: z.int(),
  seed: z.int(),
  decodeSteps: z.int(),
  headSteps: z.int(),
  temperature: z.number(),
  palette: Palette,
  /** Ascending by `from`; before the first entry there is no label. */
  labels: z.array(LabelChange),
  metadata: z.record(z.string(), z.string()),
});
export type JobSpec = z.infer<typeof JobSpec>;

const JobErrorCode = z.enum(['model_gone', 'generation_failed']);

/** Why a job failed. */
export const JobError = z.object({ code: JobErrorCode, message: z.string() });
export type JobError = z.infer<typeof JobError>;

/** A job as the API shows it. Times are Unix seconds. */
export const Video = z.object({
  id: z.string(),
  object: z.literal('video'),
  status: JobStatus,
  /** Percent of the frames, rounded down. */
  progress: z.number(),
  model: z.string(),
  /** The label, where a single one holds for the whole video. */
  prompt: z.string().nullable(),
  labels: z.array(LabelChange),
  seconds: z.string(),
  size: z.string(),
  frames: z.object({ requested: z.number(), committed: z.number() }),
  interval: z.number(),
  seed: z.number(),
  decode_steps: z.number(),
  head_steps: z.number(),
  palette: Palette,
  metadata: z.record(z.string(), z.string()),
  created_at: z.number(),
  completed_at: z.number().nullable(),
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
});
export type ModelCard = z.infer<typeof ModelCard>;
