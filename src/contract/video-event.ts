import { z } from 'zod';
import { Cost, Video, VideoStatus } from './job.ts';

/** A frame is finished; the id of the event is its index. */
export const FrameEvent = z
  .object({
    index: z.int(),
    url: z
      .string()
      .describe('Where its PNG is, without the host; a link that needs no key, as those of the job.'),
    image: z.string().optional().describe('The PNG itself as a data: URL, where `images=data` asked for it.'),
  })
  .meta({ id: 'FrameEvent', description: 'A frame is finished.' });
export type FrameEvent = z.infer<typeof FrameEvent>;

/** How far a video is: at the start of a stream, after frames, and when the status changes. */
export const ProgressEvent = z
  .object({
    status: VideoStatus,
    committed: z.int(),
    requested: z.int(),
    progress: z.int().describe('Percent, rounded down.'),
    cost: Cost,
  })
  .meta({ id: 'ProgressEvent', description: 'How far a video is.' });
export type ProgressEvent = z.infer<typeof ProgressEvent>;

/** Answer to a removal, and the event that ends the stream of a video that is removed while it is followed. */
export const VideoDeleted = z
  .object({
    id: z.string(),
    object: z.literal('video.deleted'),
    deleted: z.literal(true),
  })
  .meta({ id: 'VideoDeleted' });
export type VideoDeleted = z.infer<typeof VideoDeleted>;

/** Data of every server-sent event of a video by its name. A stream ends after each of the last four. */
export const videoEventData = {
  frame: FrameEvent,
  progress: ProgressEvent,
  completed: Video,
  failed: Video,
  cancelled: Video,
  deleted: VideoDeleted,
} as const;
export type VideoEventName = keyof typeof videoEventData;

/** An event of a video, as a client reads it. */
export type VideoEvent = {
  [Name in VideoEventName]: { readonly type: Name; readonly data: z.infer<(typeof videoEventData)[Name]> };
}[VideoEventName];
