import type { Context } from 'hono';
import { Failure } from '../contract/failure.ts';
import type { Manifest } from '../contract/manifest.ts';
import {
  extension,
  forkSpec,
  parseExtendRequest,
  parseExtensionRequest,
  parseForkRequest,
} from '../contract/video-change.ts';
import { multiplyAddsPerFrame } from '../job/frame-cost.ts';
import type { NamedJob } from '../job/job-directory.ts';
import { foundJob, videoId } from './found-job.ts';
import { readBody, readOptionalBody } from './request-body.ts';
import type { Route } from './route.ts';
import type { ServiceEnvironment } from './services.ts';
import { videoJson } from './video-json.ts';

type VideoContext = Context<ServiceEnvironment>;

/** What an owner does to a video that there is. */
export const videoChangeRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/videos/extensions', handle: extendNamedVideo },
  { method: 'POST', path: '/v1/videos/:id/extend', handle: extendVideo },
  { method: 'POST', path: '/v1/videos/:id/fork', handle: forkVideo },
  { method: 'POST', path: '/v1/videos/:id/pause', handle: commanded('pause') },
  { method: 'POST', path: '/v1/videos/:id/resume', handle: commanded('resume') },
  { method: 'POST', path: '/v1/videos/:id/cancel', handle: commanded('cancel') },
];

function commanded(kind: 'pause' | 'resume' | 'cancel'): Route['handle'] {
  return async (context) => {
    const id = videoId(context);
    return context.json(videoJson(foundJob(id, await context.env.jobs.command(id, { kind }))));
  };
}

async function extendVideo(context: VideoContext): Promise<Response> {
  const body = await readOptionalBody(context.req.raw, context.env.bodySeconds);
  return extended(context, videoId(context), parseExtendRequest(body));
}

async function extendNamedVideo(context: VideoContext): Promise<Response> {
  const body = await readBody(context.req.raw, context.env.bodySeconds);
  const { id, request } = parseExtensionRequest(body);
  return extended(context, id, request);
}

async function extended(
  context: VideoContext,
  id: string,
  request: ReturnType<typeof parseExtendRequest>,
): Promise<Response> {
  const { jobs } = context.env;
  const job = foundJob(id, await jobs.find(id));
  const manifest = await servedModel(context, job);
  const command = { kind: 'extend', ...extension(request, job, manifest) } as const;
  return context.json(videoJson(foundJob(id, await jobs.command(id, command))));
}

async function forkVideo(context: VideoContext): Promise<Response> {
  const { jobs, randomSeed, bodySeconds } = context.env;
  const request = parseForkRequest(await readOptionalBody(context.req.raw, bodySeconds));
  const id = videoId(context);
  const source = foundJob(id, await jobs.find(id));
  const manifest = await servedModel(context, source);
  const { spec, sharedFrames } = forkSpec(request, source, manifest, randomSeed());
  const job = await jobs.create({
    spec,
    build: source.build,
    frameMultiplyAdds: multiplyAddsPerFrame(manifest, spec),
    firstFrame: null,
    source: { id, frames: sharedFrames },
  });
  return context.json(videoJson(job));
}

/**
 * The model of a video, which only the build that began it can go on with.
 * @throws Failure model_gone
 */
async function servedModel(context: VideoContext, { spec, build }: NamedJob): Promise<Manifest> {
  const { models } = context.env;
  const manifest = await models.manifest(spec.model);
  if (manifest === null) {
    throw new Failure(
      'model_gone',
      `The video was made by model "${spec.model}", which is not served any more; it can be downloaded, but not gone on with.`,
    );
  }
  if ((await models.build(spec.model)) === build) return manifest;
  throw new Failure(
    'model_gone',
    `The video was made by another build of model "${spec.model}" than the one that is served now; it can be downloaded, but not gone on with.`,
  );
}
