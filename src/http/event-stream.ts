import type { Context } from 'hono';
import { z } from 'zod';
import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';
import type { StoredFrame } from '../contract/frame.ts';
import type { VideoStatus } from '../contract/job.ts';
import type { FrameEvent, ProgressEvent, VideoDeleted, VideoEventName } from '../contract/video-event.ts';
import type { JobDirectory, NamedJob, News } from '../job/job-directory.ts';
import { byteStream } from './byte-stream.ts';
import { foundJob } from './found-job.ts';
import { brokenOff } from './request-log.ts';
import type { ServiceEnvironment } from './services.ts';
import { signedLinks } from './signed-link.ts';
import { progressPercent, videoJson } from './video-json.ts';

export const EventsQuery = z.strictObject({
  images: z
    .enum(['url', 'data'], 'must be "url" or "data"')
    .default('url')
    .describe('`data`: frame events carry their PNG as a data: URL, too.'),
  last_event_id: z
    .string()
    .optional()
    .describe('As the header, for browsers: their EventSource sends none on the first connection.'),
});

export const EventsHeaders = z.object({
  'last-event-id': z
    .string()
    .optional()
    .describe('Index of the last frame that you have; the stream goes on after it.'),
});

interface EventsInput {
  readonly path: { readonly id: string };
  readonly query: z.infer<typeof EventsQuery>;
  readonly headers: z.infer<typeof EventsHeaders>;
}

/**
 * Follows a job: every frame once and in order, from the one after Last-Event-ID on, and how it ends.
 * @throws Failure job_not_found, job_expired, last_event_id
 */
export async function streamEvents(
  context: Context<ServiceEnvironment>,
  { path: { id }, query, headers }: EventsInput,
): Promise<Response> {
  const { jobs } = context.var;
  const job = foundJob(id, await jobs.find(id));
  // A browser that reconnects sends the header, and still the query of the first connection.
  const lastId = headers['last-event-id'] ?? query.last_event_id ?? null;
  const start = {
    from: lastId === null ? 0 : nextIndex(lastId, job),
    images: query.images,
    token: await context.var.tokenFor(id),
    isLink: context.var.caller.keyId === null,
  };
  return new Response(byteStream(encoded(events(jobs, id, start)), brokenOff(context)), {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
  });
}

function nextIndex(lastId: string, { spec }: NamedJob): number {
  const index = /^\d{1,15}$/.test(lastId) ? Number(lastId) : Number.NaN;
  if (index < spec.frames) return index + 1;
  throw new Failure(
    'last_event_id',
    `Last-Event-ID must be the index of the last frame that you have, 0 to ${spec.frames - 1}; it was "${lastId.slice(0, 40)}".`,
    'last_event_id',
  );
}

interface EventStart {
  /** Index of the first frame that is wanted. */
  readonly from: number;
  readonly images: 'url' | 'data';
  /** Of the links in events. */
  readonly token: string;
  /** Whoever has a link sees the video, not who else is told of it: that URL may hold a secret. */
  readonly isLink: boolean;
}

/** The text of a stream, one batch of news a piece (HTML standard, section 9.2, "Server-sent events"). */
async function* events(jobs: JobDirectory, id: string, start: EventStart): AsyncGenerator<string> {
  yield 'retry: 1000\n\n';
  let next = start.from;
  let known: VideoStatus | null = null;
  for (let call = 0; call < limits.newsPerStream; call++) {
    const news = await newsOf(jobs, id, next, known);
    if (news === 'expired') return;
    if (news === null) {
      yield event('deleted', { id, object: 'video.deleted', deleted: true } satisfies VideoDeleted);
      return;
    }
    const { job, frames } = news;
    const isQuiet = frames.length === 0 && job.status === known;
    next = (frames.at(-1)?.index ?? next - 1) + 1;
    known = job.status;
    const text = frames.map((frame) => frameEvent(id, frame, start)).join('');
    const end = next >= job.committedFrames ? endOf(job, start) : '';
    yield isQuiet && end === '' ? ': nothing new\n\n' : text + event('progress', progressOf(job)) + end;
    if (end !== '') return;
  }
}

/** Asks for news; a job that was evicted or restarted meanwhile is asked again. */
async function newsOf(
  jobs: JobDirectory,
  id: string,
  from: number,
  known: VideoStatus | null,
): Promise<News | null | 'expired'> {
  for (let retry = 0; ; retry++) {
    try {
      return await jobs.news(id, from, known, limits.heartbeatSeconds * 1000);
    } catch (error) {
      if (error instanceof Failure && error.code === 'job_expired') return 'expired';
      if (error instanceof Failure || retry === limits.newsRetries) throw error;
      await pause(limits.newsRetryMilliseconds * 2 ** retry);
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function frameEvent(id: string, { index, png }: StoredFrame, { images, token }: EventStart): string {
  const url = signedLinks(id, token).frames.replace('{n}', String(index));
  const data: FrameEvent = { index, url };
  if (images === 'data') data.image = `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
  return `id: ${index}\n${event('frame', data)}`;
}

function progressOf(job: NamedJob): ProgressEvent {
  return {
    status: job.status,
    committed: job.committedFrames,
    requested: job.spec.frames,
    progress: progressPercent(job),
    cost: job.cost,
  };
}

/** The event that ends the stream; nothing where more can come. */
function endOf(job: NamedJob, { token, isLink }: EventStart): string {
  const { status } = job;
  return status === 'completed' || status === 'failed' || status === 'cancelled'
    ? event(status, videoJson(isLink ? { ...job, webhook: null } : job, token))
    : '';
}

/** JSON has no line breaks of its own, so that one line of data is enough. */
function event(name: VideoEventName, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

async function* encoded(texts: AsyncGenerator<string>): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = new TextEncoder();
  for await (const text of texts) yield encoder.encode(text);
}
