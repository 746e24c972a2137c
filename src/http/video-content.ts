import { z } from 'zod';
import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';
import type { Raster, StoredFrame } from '../contract/frame.ts';
import { wholeNumberText } from '../contract/refusal.ts';
import type { JobDirectory, NamedJob } from '../job/job-directory.ts';
import { encodeApng } from '../media/apng.ts';
import { encodeGif } from '../media/gif.ts';
import { decodeOwnPng, encodePng } from '../media/png.ts';
import { enlarged } from '../media/raster.ts';
import { spriteSheet } from '../media/sprite-sheet.ts';
import { begun, byteStream } from './byte-stream.ts';

/** What of a video is wanted, and how. */
export const ContentQuery = z.strictObject({
  variant: z
    .enum(['video', 'thumbnail', 'spritesheet'], 'must be "video", "thumbnail" or "spritesheet"')
    .default('video')
    .describe('`thumbnail` is the first frame, `spritesheet` all frames in one picture; both are PNG.'),
  format: z
    .enum(['gif', 'apng'], 'must be "gif" or "apng"')
    .default('gif')
    .describe('Of the variant `video`.'),
  scale: wholeNumberText(1, limits.contentScale).default(1).describe('Factor by which pixels are enlarged.'),
});
export type ContentQuery = z.infer<typeof ContentQuery>;

/** A file made from a job's frames. */
export interface ContentFile {
  readonly mediaType: 'image/gif' | 'image/apng' | 'image/png';
  readonly extension: 'gif' | 'png';
  readonly body: BodyInit;
}

/** Frames fetched from the job at a time. */
const batchFrames = 64;

const sheetColumns = 8;

/**
 * Makes a file from the frames that a job has, all of them or those so far. Animations are made while they are read.
 * @param onBreak is told what broke such an animation off
 * @throws Failure frame_not_ready, frame_not_found, out_of_range
 */
export async function videoContent(
  jobs: JobDirectory,
  job: NamedJob,
  request: ContentQuery,
  onBreak: (error: unknown) => void,
): Promise<ContentFile> {
  if (job.committedFrames === 0) throw frameMissing(job, 'Its first frame');
  const { variant, format, scale } = request;
  const { framesPerSecond } = job.spec;
  if (variant === 'thumbnail') {
    const [first] = await collected(frames(jobs, job.id, 1));
    return pngContent(enlarged(decodeOwnPng((first as StoredFrame).png), scale));
  }
  checkPixels(job, request);
  const stored = frames(jobs, job.id, job.committedFrames);
  if (variant === 'spritesheet')
    return pngContent(spriteSheet(await collected(rasters(stored, scale)), sheetColumns));
  if (format === 'gif') {
    const pieces = encodeGif(rasters(stored, 1), framesPerSecond, scale);
    return { mediaType: 'image/gif', extension: 'gif', body: byteStream(await begun(pieces), onBreak) };
  }
  const pieces = encodeApng(scaledPngs(stored, scale), job.committedFrames, framesPerSecond);
  return { mediaType: 'image/apng', extension: 'png', body: byteStream(await begun(pieces), onBreak) };
}

/** Why a frame that belongs to the video is not there. */
export function frameMissing({ status, committedFrames }: NamedJob, frame: string): Failure {
  return status === 'failed' || status === 'cancelled'
    ? new Failure(
        'frame_not_found',
        `${frame} was never made: the video ${status === 'failed' ? 'failed' : 'was cancelled'} after ${committedFrames} frames.`,
      )
    : new Failure(
        'frame_not_ready',
        `${frame} is not made yet; ${committedFrames} frames are. Ask again when frames.committed is larger.`,
      );
}

function checkPixels(job: NamedJob, { variant, format, scale }: ContentQuery): void {
  // Frames of an APNG that are not enlarged are stored ones, taken over as they are.
  if (variant === 'video' && format === 'apng' && scale === 1) return;
  const pixels = job.committedFrames * job.spec.width * job.spec.height * scale * scale;
  const maximum = variant === 'spritesheet' ? limits.sheetPixels : limits.contentPixels;
  if (pixels <= maximum) return;
  throw new Failure(
    'out_of_range',
    `scale ${scale} gives ${pixels} pixels over all frames; at most ${maximum} are made. Ask for a smaller scale.`,
    'scale',
  );
}

function pngContent(raster: Raster): ContentFile {
  return { mediaType: 'image/png', extension: 'png', body: encodePng(raster) as Uint8Array<ArrayBuffer> };
}

async function* frames(jobs: JobDirectory, id: string, count: number): AsyncGenerator<StoredFrame> {
  for (let from = 0; from < count; ) {
    const batch = await jobs.frames(id, from, Math.min(batchFrames, count - from));
    if (batch === null) throw new Failure('job_not_found', `Video ${id} was removed while it was read.`);
    if (batch.length === 0) throw new Error(`frame ${from} of ${id} is committed, but not there`);
    yield* batch;
    from += batch.length;
  }
}

async function* rasters(stored: AsyncIterable<StoredFrame>, scale: number): AsyncGenerator<Raster> {
  for await (const { png } of stored) yield enlarged(decodeOwnPng(png), scale);
}

async function* scaledPngs(stored: AsyncIterable<StoredFrame>, scale: number): AsyncGenerator<Uint8Array> {
  for await (const { png } of stored) yield scale === 1 ? png : encodePng(enlarged(decodeOwnPng(png), scale));
}

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
