import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';
import type { Raster, StoredFrame } from '../contract/frame.ts';
import type { JobDirectory, NamedJob } from '../job/job-directory.ts';
import { encodeApng } from '../media/apng.ts';
import { encodeGif } from '../media/gif.ts';
import { decodeOwnPng, encodePng } from '../media/png.ts';
import { enlarged } from '../media/raster.ts';
import { spriteSheet } from '../media/sprite-sheet.ts';

/** What of a video is wanted, and how. */
export interface ContentRequest {
  readonly variant: 'video' | 'thumbnail' | 'spritesheet';
  /** Of the variant `video`; the others are PNG. */
  readonly format: 'gif' | 'apng';
  /** Whole factor by which pixels are enlarged. */
  readonly scale: number;
}

/** A file made from a job's frames. */
export interface ContentFile {
  readonly mediaType: 'image/gif' | 'image/apng' | 'image/png';
  readonly extension: 'gif' | 'png';
  readonly bytes: Uint8Array;
}

/** Frames fetched from the job at a time. */
const batchFrames = 64;

const sheetColumns = 8;

/**
 * Makes a file from the frames that a job has, all of them or those so far.
 * @throws Failure frame_not_ready, out_of_range
 */
export async function videoContent(
  jobs: JobDirectory,
  job: NamedJob,
  request: ContentRequest,
): Promise<ContentFile> {
  if (job.committedFrames === 0) throw noFrameYet(job);
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
    const bytes = await encodeGif(rasters(stored, 1), framesPerSecond, scale);
    return { mediaType: 'image/gif', extension: 'gif', bytes };
  }
  const pngs = await collected(scaledPngs(stored, scale));
  return { mediaType: 'image/apng', extension: 'png', bytes: encodeApng(pngs, framesPerSecond) };
}

function noFrameYet(job: NamedJob): Failure {
  return job.status === 'failed'
    ? new Failure(
        'frame_not_found',
        `Video ${job.id} failed before its first frame; there is nothing to show.`,
      )
    : new Failure(
        'frame_not_ready',
        `Video ${job.id} has no frame yet; ask again when frames.committed is above 0.`,
      );
}

function checkPixels(job: NamedJob, { variant, scale }: ContentRequest): void {
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
  return { mediaType: 'image/png', extension: 'png', bytes: encodePng(raster) };
}

async function* frames(jobs: JobDirectory, id: string, count: number): AsyncGenerator<StoredFrame> {
  for (let from = 0; from < count; from += batchFrames) {
    const batch = await jobs.frames(id, from, Math.min(batchFrames, count - from));
    if (batch === null) throw new Failure('job_not_found', `Video ${id} was removed while it was read.`);
    yield* batch;
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
