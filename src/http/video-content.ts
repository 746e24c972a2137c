import { z } from 'zod';
import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';
import type { Raster, StoredFrame } from '../contract/frame.ts';
import { wholeNumberText } from '../contract/refusal.ts';
import type { JobDirectory, NamedJob } from '../job/job-directory.ts';
import { encodeApng } from '../media/apng.ts';
import { encodeGif } from '../media/gif.ts';
import { decodeOwnPng, encodePng } from '../media/png.ts';
import { encodePngSequence } from '../media/png-sequence.ts';
import { enlarged } from '../media/raster.ts';
import { spriteSheet } from '../media/sprite-sheet.ts';
import { begun, byteStream } from './byte-stream.ts';

const formats = ['gif', 'apng', 'png-sequence', 'webm', 'mp4'] as const;

/** What of a video is wanted, and how. */
export const ContentQuery = z.strictObject({
  variant: z
    .enum(['video', 'thumbnail', 'spritesheet'], 'must be "video", "thumbnail" or "spritesheet"')
    .default('video')
    .describe('`thumbnail` is the first frame, `spritesheet` all frames in one picture; both are PNG.'),
  format: z
    .enum(formats, `must be one of ${formats.join(', ')}`)
    .optional()
    .describe(
      'Of the variant `video`: `gif` by default; `apng` without loss; `png-sequence`, a ZIP of PNG files. `webm` and `mp4` are not made yet.',
    ),
  scale: wholeNumberText(1, limits.contentScale).default(1).describe('Factor by which pixels are enlarged.'),
});
type ContentQuery = z.infer<typeof ContentQuery>;

/** A file to be made: every combination of variant and format that there is. */
export interface ContentRequest {
  readonly kind: 'gif' | 'apng' | 'png-sequence' | 'thumbnail' | 'spritesheet';
  readonly scale: number;
}

/**
 * What a query asks for.
 * @throws Failure format_unsupported, fields_conflict
 */
export function contentRequest({ variant, format, scale }: ContentQuery): ContentRequest {
  if (variant === 'video') return { kind: madeFormat(format ?? 'gif'), scale };
  if (format === undefined) return { kind: variant, scale };
  const message = `format is of the variant video; a ${variant} is always PNG. Leave format out.`;
  throw new Failure('fields_conflict', message, 'format');
}

function madeFormat(format: (typeof formats)[number]): Exclude<typeof format, 'webm' | 'mp4'> {
  if (format !== 'webm' && format !== 'mp4') return format;
  const message = `format ${format} is not made yet; ask for gif, apng or png-sequence.`;
  throw new Failure('format_unsupported', message, 'format');
}

/** A file made from a job's frames. */
interface ContentFile {
  readonly mediaType: keyof typeof contentTypes;
  readonly extension: 'gif' | 'png' | 'zip';
  readonly body: BodyInit;
}

/** Media types of all files, as the OpenAPI document wants them: without a schema. */
export const contentTypes = {
  'image/gif': null,
  'image/apng': null,
  'image/png': null,
  'application/zip': null,
};

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
  request: ContentRequest,
  onBreak: (error: unknown) => void,
): Promise<ContentFile> {
  if (job.committedFrames === 0) throw frameMissing(job, 'Its first frame');
  checkPixels(job, request);
  const { kind, scale } = request;
  const { framesPerSecond } = job.spec;
  const stored = frames(jobs, job.id, kind === 'thumbnail' ? 1 : job.committedFrames);
  const streamed = async (pieces: AsyncGenerator<Uint8Array, void, undefined>) =>
    byteStream(await begun(pieces), onBreak);
  switch (kind) {
    case 'thumbnail': {
      const [first] = await collected(rasters(stored, scale));
      return pngContent(first as Raster);
    }
    case 'spritesheet':
      return pngContent(spriteSheet(await collected(rasters(stored, scale)), sheetColumns));
    case 'gif': {
      const body = await streamed(encodeGif(rasters(stored, 1), framesPerSecond, scale));
      return { mediaType: 'image/gif', extension: 'gif', body };
    }
    case 'apng': {
      const body = await streamed(
        encodeApng(scaledPngs(stored, scale), job.committedFrames, framesPerSecond),
      );
      return { mediaType: 'image/apng', extension: 'png', body };
    }
    case 'png-sequence': {
      const body = await streamed(encodePngSequence(scaledPngs(stored, scale)));
      return { mediaType: 'application/zip', extension: 'zip', body };
    }
  }
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

function checkPixels(job: NamedJob, { kind, scale }: ContentRequest): void {
  // PNG files that are not enlarged are stored ones, taken over as they are.
  if (kind === 'thumbnail' || (scale === 1 && (kind === 'apng' || kind === 'png-sequence'))) return;
  const pixels = job.committedFrames * job.spec.width * job.spec.height * scale * scale;
  const maximum = kind === 'spritesheet' ? limits.sheetPixels : limits.contentPixels;
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
