import type { Context } from 'hono';
import { z } from 'zod';
import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';
import { Video, VideoList } from '../contract/job.ts';
import { VideoDeleted } from '../contract/video-event.ts';
import { VideoRequest } from '../contract/video-request.ts';
import type { NamedJob } from '../job/job-directory.ts';
import { EventsHeaders, EventsQuery, streamEvents } from './event-stream.ts';
import { examples } from './examples.ts';
import { foundJob, jobNotFound } from './found-job.ts';
import { newJob, newJobFailures } from './new-job.ts';
import { NewVideoHeaders, type OrderHeaders, orderFailures, orderResponse } from './order.ts';
import { listOf, pageFields } from './page-fields.ts';
import { brokenOff } from './request-log.ts';
import { type Route, route } from './route.ts';
import { embeddable } from './safe-headers.ts';
import type { ServiceEnvironment } from './services.ts';
import { ContentQuery, contentRequest, contentTypes, frameMissing, videoContent } from './video-content.ts';
import { videoJson, videoResponse } from './video-json.ts';

type VideoContext = Context<ServiceEnvironment>;

/** The path of one video. */
interface VideoInput {
  readonly path: { readonly id: string };
}

const ListQuery = z.strictObject(pageFields('video'));

const parameters = { id: 'Id of a video.' } as const;

export const videoRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/videos',
    name: 'createVideo',
    chapter: 'Videos',
    summary: 'Creates a video',
    description:
      'Answers with the job at once; the frames follow. Every field has a default: `{}` is a video of the default model without a label.',
    scope: 'generate',
    headers: NewVideoHeaders,
    body: { schema: VideoRequest },
    answer: { description: 'The new job.', content: { 'application/json': Video } },
    failures: [...newJobFailures, ...orderFailures, 'concurrency_limit', 'insufficient_credits'],
    examples: examples.createVideo,
    handle: createVideo,
  }),
  route({
    method: 'GET',
    path: '/v1/videos',
    name: 'listVideos',
    chapter: 'Videos',
    summary: 'Lists your videos',
    scope: 'read',
    query: ListQuery,
    answer: { description: 'One page.', content: { 'application/json': VideoList } },
    failures: ['job_not_found'],
    examples: examples.listVideos,
    handle: listVideos,
  }),
  route({
    method: 'GET',
    path: '/v1/videos/{id}',
    name: 'retrieveVideo',
    chapter: 'Videos',
    summary: 'Shows a video',
    scope: 'read',
    parameters,
    answer: { description: 'The job.', content: { 'application/json': Video } },
    failures: ['job_not_found', 'job_expired'],
    examples: examples.retrieveVideo,
    handle: async (context, { path: { id } }) => videoResponse(context, await requestedJob(context, id)),
  }),
  route({
    method: 'DELETE',
    path: '/v1/videos/{id}',
    name: 'deleteVideo',
    chapter: 'Videos',
    summary: 'Removes a video and all its data',
    description: 'In any state; one that is being made stops. Forks of it that have begun keep their frames.',
    scope: 'generate',
    parameters,
    answer: { description: 'It is gone.', content: { 'application/json': VideoDeleted } },
    failures: ['job_not_found'],
    examples: examples.deleteVideo,
    handle: deleteVideo,
  }),
  route({
    method: 'GET',
    path: '/v1/videos/{id}/content',
    name: 'downloadContent',
    chapter: 'Frames',
    summary: 'Downloads the video, or a picture of it',
    description: 'Also of a video that is unfinished, cancelled or failed: what there is of it.',
    scope: 'read',
    takesLink: true,
    parameters,
    query: ContentQuery,
    answer: {
      description: 'The file, sent while it is made.',
      content: contentTypes,
    },
    failures: [
      'job_not_found',
      'job_expired',
      'frame_not_ready',
      'frame_not_found',
      'out_of_range',
      'fields_conflict',
      'format_unsupported',
    ],
    examples: examples.downloadContent,
    handle: downloadContent,
  }),
  route({
    method: 'GET',
    path: '/v1/videos/{id}/frames/{n}.png',
    name: 'downloadFrame',
    chapter: 'Frames',
    summary: 'Downloads one frame',
    description: 'A frame never changes and may be kept.',
    scope: 'read',
    takesLink: true,
    parameters: { ...parameters, n: 'Index of the frame; the first one is 0.' },
    answer: { description: 'The frame in the size of the model.', content: { 'image/png': null } },
    failures: ['job_not_found', 'job_expired', 'frame_not_found', 'frame_not_ready'],
    examples: examples.downloadFrame,
    handle: downloadFrame,
  }),
  route({
    method: 'GET',
    path: '/v1/videos/{id}/events',
    name: 'followVideo',
    chapter: 'Frames',
    summary: 'Follows a video: frames and progress as they happen',
    description: `Server-sent events, every frame once and in order:

- \`frame\`, whose id is the index of the frame, with a FrameEvent;
- \`progress\` with a ProgressEvent: at the start, after frames, and when the status changes;
- \`completed\`, \`failed\` or \`cancelled\` with the Video, and \`deleted\` with a VideoDeleted: the end.

A connection that breaks is resumed by the same request with \`Last-Event-ID\`. While nothing happens, a comment comes every ${limits.heartbeatSeconds} seconds.`,
    scope: 'read',
    takesLink: true,
    parameters,
    query: EventsQuery,
    headers: EventsHeaders,
    answer: { description: 'A stream of events.', content: { 'text/event-stream': null } },
    failures: ['job_not_found', 'job_expired', 'last_event_id'],
    examples: examples.followVideo,
    handle: streamEvents,
  }),
];

async function createVideo(
  context: VideoContext,
  input: { headers: OrderHeaders; body: VideoRequest },
): Promise<Response> {
  const {
    env,
    var: { jobs },
  } = context;
  return orderResponse(context, input, async (ticket) => jobs.create(await newJob(env, input.body), ticket));
}

async function listVideos(
  { var: { jobs, tokenFor } }: VideoContext,
  { query: { after, limit, order } }: { query: z.infer<typeof ListQuery> },
): Promise<Response> {
  const page = await jobs.list({ after: after ?? null, limit, order });
  if (page === null)
    throw new Failure('job_not_found', `after names no video of yours: "${after}".`, 'after');
  const data = await Promise.all(page.jobs.map(async (job) => videoJson(job, await tokenFor(job.id))));
  return Response.json(listOf(data, page.hasMore) satisfies VideoList);
}

async function deleteVideo({ var: { jobs } }: VideoContext, { path: { id } }: VideoInput): Promise<Response> {
  if (!(await jobs.remove(id))) throw jobNotFound(id);
  return Response.json({ id, object: 'video.deleted', deleted: true } satisfies VideoDeleted);
}

async function downloadContent(
  context: VideoContext,
  { path, query }: VideoInput & { query: z.infer<typeof ContentQuery> },
): Promise<Response> {
  const request = contentRequest(query);
  const job = await requestedJob(context, path.id);
  const { mediaType, extension, body } = await videoContent(
    context.var.jobs,
    job,
    request,
    brokenOff(context),
  );
  return new Response(body, {
    headers: {
      'content-type': mediaType,
      'content-disposition': `inline; filename="${job.id}.${extension}"`,
      ...embeddable,
    },
  });
}

async function downloadFrame(
  context: VideoContext,
  { path }: { path: { id: string; n: string } },
): Promise<Response> {
  const job = await requestedJob(context, path.id);
  const index = Number.parseInt(path.n, 10);
  if (index >= job.spec.frames) {
    throw new Failure(
      'frame_not_found',
      `Frame ${index} is beyond the end; the video's frames are 0 to ${job.spec.frames - 1}.`,
    );
  }
  if (index >= job.committedFrames) throw frameMissing(job, `Frame ${index}`);
  const frame = (await context.var.jobs.frames(job.id, index, 1))?.[0];
  if (frame === undefined) throw jobNotFound(job.id);
  return new Response(frame.png as Uint8Array<ArrayBuffer>, {
    headers: {
      'content-type': 'image/png',
      'cache-control': 'private, max-age=31536000, immutable',
      ...embeddable,
    },
  });
}

async function requestedJob({ var: { jobs } }: VideoContext, id: string): Promise<NamedJob> {
  return foundJob(id, await jobs.find(id));
}
