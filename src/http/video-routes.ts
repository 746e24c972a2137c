import type { Context } from 'hono';
import { z } from 'zod';
import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';
import type { VideoList } from '../contract/job.ts';
import { parsed, wholeNumber } from '../contract/refusal.ts';
import type { VideoDeleted } from '../contract/video-event.ts';
import { jobSpec, parseVideoRequest } from '../contract/video-request.ts';
import { multiplyAddsPerFrame } from '../job/frame-cost.ts';
import type { NamedJob } from '../job/job-directory.ts';
import { fitted } from '../media/fit.ts';
import { encodePng } from '../media/png.ts';
import { streamEvents } from './event-stream.ts';
import { foundJob, jobNotFound, videoId } from './found-job.ts';
import { referenceBytes } from './input-reference.ts';
import { readBody } from './request-body.ts';
import { brokenOff } from './request-log.ts';
import type { Route } from './route.ts';
import { embeddable } from './safe-headers.ts';
import type { ServiceEnvironment } from './services.ts';
import { frameMissing, videoContent } from './video-content.ts';
import { videoJson } from './video-json.ts';

type VideoContext = Context<ServiceEnvironment>;

export const videoRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/videos', handle: createVideo },
  { method: 'GET', path: '/v1/videos', handle: listVideos },
  { method: 'GET', path: '/v1/videos/:id', handle: retrieveVideo },
  { method: 'DELETE', path: '/v1/videos/:id', handle: deleteVideo },
  { method: 'GET', path: '/v1/videos/:id/content', handle: downloadContent },
  { method: 'GET', path: '/v1/videos/:id/events', handle: streamEvents },
  { method: 'GET', path: '/v1/videos/:id/frames/:name{[0-9]+\\.png}', handle: downloadFrame },
];

const number = (text: string) => (/^\d+$/.test(text) ? Number(text) : Number.NaN);

const ListQuery = z.strictObject({
  after: z.string().optional(),
  limit: z.string().transform(number).pipe(wholeNumber(1, limits.listEntries)).default(20),
  order: z.enum(['asc', 'desc'], 'must be "asc" or "desc"').default('desc'),
});

const ContentQuery = z.strictObject({
  variant: z
    .enum(['video', 'thumbnail', 'spritesheet'], 'must be "video", "thumbnail" or "spritesheet"')
    .default('video'),
  format: z.enum(['gif', 'apng'], 'must be "gif" or "apng"').default('gif'),
  scale: z.string().transform(number).pipe(wholeNumber(1, limits.contentScale)).default(1),
});

async function createVideo(context: VideoContext): Promise<Response> {
  const { jobs, models, decodeImage, fetch, randomSeed, bodySeconds } = context.env;
  const request = parseVideoRequest(await readBody(context.req.raw, bodySeconds));
  const name = request.model ?? models.byDefault;
  const manifest = await models.manifest(name);
  if (manifest === null) {
    throw new Failure(
      'model_unknown',
      `model "${name}" is not served; there are ${models.names.join(', ')}.`,
      'model',
    );
  }
  const spec = jobSpec(request, manifest, randomSeed());
  const file = await referenceBytes(request.input_reference, fetch);
  const firstFrame = file === null ? null : encodePng(fitted(await decodeImage(file), manifest.frame));
  const build = await models.build(name);
  const job = await jobs.create({
    spec,
    build,
    frameMultiplyAdds: multiplyAddsPerFrame(manifest, spec),
    firstFrame,
    source: null,
  });
  return context.json(videoJson(job));
}

async function retrieveVideo(context: VideoContext): Promise<Response> {
  return context.json(videoJson(await requestedJob(context)));
}

async function listVideos(context: VideoContext): Promise<Response> {
  const { after = null, limit, order } = parsed(ListQuery, context.req.query());
  const page = await context.env.jobs.list({ after, limit, order });
  if (page === null)
    throw new Failure('job_not_found', `after names no video of yours: "${after}".`, 'after');
  const data = page.jobs.map(videoJson);
  const list: VideoList = {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: page.hasMore,
  };
  return context.json(list);
}

async function deleteVideo(context: VideoContext): Promise<Response> {
  const id = videoId(context);
  if (!(await context.env.jobs.remove(id))) throw jobNotFound(id);
  return context.json({ id, object: 'video.deleted', deleted: true } satisfies VideoDeleted);
}

async function downloadContent(context: VideoContext): Promise<Response> {
  const request = parsed(ContentQuery, context.req.query());
  const job = await requestedJob(context);
  const { mediaType, extension, body } = await videoContent(
    context.env.jobs,
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

async function downloadFrame(context: VideoContext): Promise<Response> {
  const job = await requestedJob(context);
  const index = Number.parseInt(context.req.param('name') ?? '', 10);
  if (index >= job.spec.frames) {
    throw new Failure(
      'frame_not_found',
      `Frame ${index} is beyond the end; the video's frames are 0 to ${job.spec.frames - 1}.`,
    );
  }
  if (index >= job.committedFrames) throw frameMissing(job, `Frame ${index}`);
  const frame = (await context.env.jobs.frames(job.id, index, 1))?.[0];
  if (frame === undefined) throw jobNotFound(job.id);
  return new Response(frame.png as Uint8Array<ArrayBuffer>, {
    headers: {
      'content-type': 'image/png',
      'cache-control': 'private, max-age=31536000, immutable',
      ...embeddable,
    },
  });
}

async function requestedJob(context: VideoContext): Promise<NamedJob> {
  const id = videoId(context);
  return foundJob(id, await context.env.jobs.find(id));
}
