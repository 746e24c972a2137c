import type { Context } from 'hono';
import type { z } from 'zod';
import type { Ticket } from '../billing/claims.ts';
import { frameCredits } from '../billing/price.ts';
import { Failure, type FailureCode } from '../contract/failure.ts';
import { Video } from '../contract/job.ts';
import type { Manifest } from '../contract/manifest.ts';
import {
  ExtendRequest,
  ExtensionRequest,
  extension,
  ForkRequest,
  forkSpec,
} from '../contract/video-change.ts';
import { jobCost, meanMultiplyAdds } from '../job/frame-cost.ts';
import type { NamedJob, NewJob } from '../job/job-directory.ts';
import { examples } from './examples.ts';
import { foundJob } from './found-job.ts';
import {
  ExtensionHeaders,
  NewVideoHeaders,
  type OrderHeaders,
  orderFailures,
  orderResponse,
} from './order.ts';
import { type Answer, type Route, route } from './route.ts';
import type { ServiceEnvironment } from './services.ts';
import { videoResponse } from './video-json.ts';

type VideoContext = Context<ServiceEnvironment>;

interface ForkInput {
  readonly path: { readonly id: string };
  readonly headers: OrderHeaders;
  readonly body: z.infer<typeof ForkRequest>;
}

const changed: Answer = { description: 'The job after it.', content: { 'application/json': Video } };

const anyVideo: readonly FailureCode[] = ['job_not_found', 'job_expired'];

const goingOn: readonly FailureCode[] = [
  ...anyVideo,
  'fields_conflict',
  'out_of_range',
  'label_unknown',
  'labels_order',
  'model_gone',
  ...orderFailures,
  'concurrency_limit',
  'insufficient_credits',
  'url_scheme',
  'url_host',
  'url_credentials',
  'url_port',
];

const control = {
  method: 'POST',
  chapter: 'Control',
  scope: 'generate',
  parameters: { id: 'Id of a video.' },
  answer: changed,
} as const;

/** What an owner does to a video that there is. */
export const videoChangeRoutes: readonly Route[] = [
  route({
    ...control,
    path: '/v1/videos/{id}/pause',
    name: 'pauseVideo',
    summary: 'Pauses a video',
    description: 'Nothing is computed until it is resumed. Pausing a paused video changes nothing.',
    failures: [...anyVideo, 'job_terminal'],
    examples: examples.pauseVideo,
    handle: commanded('pause'),
  }),
  route({
    ...control,
    path: '/v1/videos/{id}/resume',
    name: 'resumeVideo',
    summary: 'Goes on with a paused video',
    failures: [...anyVideo, 'job_terminal'],
    examples: examples.resumeVideo,
    handle: commanded('resume'),
  }),
  route({
    ...control,
    path: '/v1/videos/{id}/cancel',
    name: 'cancelVideo',
    summary: 'Ends a video early',
    description: 'The frames that are made stay and can be downloaded; no others are paid.',
    failures: [...anyVideo, 'job_terminal'],
    examples: examples.cancelVideo,
    handle: commanded('cancel'),
  }),
  route({
    ...control,
    path: '/v1/videos/{id}/extend',
    name: 'extendVideo',
    chapter: 'Going on',
    summary: 'Adds frames to a finished video',
    description:
      'Goes on from the stored state of a completed, cancelled or failed video: only the new frames are computed and paid.',
    headers: ExtensionHeaders,
    body: { schema: ExtendRequest, isOptional: true },
    failures: [...goingOn, 'job_not_finished'],
    examples: examples.extendVideo,
    handle: (context, { path: { id }, headers, body }) => extendVideo(context, id, { headers, body }),
  }),
  route({
    ...control,
    parameters: {},
    path: '/v1/videos/extensions',
    name: 'extendNamedVideo',
    chapter: 'Going on',
    summary: 'Adds frames to a finished video that the body names',
    description: 'The same as `POST /v1/videos/{id}/extend`, as the npm package openai calls it.',
    headers: ExtensionHeaders,
    body: { schema: ExtensionRequest },
    failures: [...goingOn, 'job_not_finished'],
    examples: examples.extendNamedVideo,
    handle: (context, { headers, body: { video, ...body } }) =>
      extendVideo(context, typeof video === 'string' ? video : video.id, { headers, body }),
  }),
  route({
    ...control,
    path: '/v1/videos/{id}/fork',
    name: 'forkVideo',
    chapter: 'Going on',
    summary: 'Begins another video with the first frames of this one',
    description:
      'Shares the frames up to `frame` and goes on with another seed, other labels or another speed. The shared frames are copied and cost nothing.',
    headers: NewVideoHeaders,
    body: { schema: ForkRequest, isOptional: true },
    answer: { description: 'The new job.', content: { 'application/json': Video } },
    failures: [...goingOn, 'seed_unsafe'],
    examples: examples.forkVideo,
    handle: forkVideo,
  }),
];

function commanded(kind: 'pause' | 'resume' | 'cancel') {
  return async (context: VideoContext, { path: { id } }: { path: { id: string } }): Promise<Response> =>
    videoResponse(context, foundJob(id, await context.var.jobs.command(id, { kind })));
}

function extendVideo(
  context: VideoContext,
  id: string,
  { headers, body }: { headers: OrderHeaders; body: z.infer<typeof ExtendRequest> },
): Promise<Response> {
  return orderResponse(context, { headers, body: { id, ...body } }, (ticket) =>
    // Without a key, nobody can tell a second extension from the first one, sent again.
    extended(context, id, body, ticket.key === null ? undefined : ticket),
  );
}

async function extended(
  context: VideoContext,
  id: string,
  request: z.infer<typeof ExtendRequest>,
  ticket: Ticket | undefined,
): Promise<NamedJob> {
  const { multiplyAddsPerCredit } = context.env;
  const { jobs } = context.var;
  const job = foundJob(id, await jobs.find(id));
  const manifest = await servedModel(context, job);
  const added = extension(request, job, manifest);
  const frames = added.frames - added.from;
  const drawsFirst = added.from === 0 && !job.isFirstGiven;
  const multiplyAdds = meanMultiplyAdds(jobCost(manifest, job.spec), { frames, drawsFirst });
  const command = {
    kind: 'extend',
    ...added,
    frameCredits: frameCredits(multiplyAdds, multiplyAddsPerCredit),
  } as const;
  return foundJob(id, await jobs.command(id, command, ticket));
}

async function forkVideo(context: VideoContext, { path, headers, body }: ForkInput): Promise<Response> {
  return orderResponse(context, { headers, body }, (ticket) => forked(context, path.id, body, ticket));
}

async function forked(
  context: VideoContext,
  id: string,
  body: ForkInput['body'],
  ticket: Ticket,
): Promise<NamedJob> {
  const { randomSeed, multiplyAddsPerCredit } = context.env;
  const { jobs } = context.var;
  const source = foundJob(id, await jobs.find(id));
  const manifest = await servedModel(context, source);
  const { spec, sharedFrames } = forkSpec(body, source, manifest, randomSeed());
  const cost = jobCost(manifest, spec);
  const job: NewJob = {
    spec,
    build: source.build,
    ...cost,
    frameCredits: frameCredits(cost.frameMultiplyAdds, multiplyAddsPerCredit),
    firstFrame: null,
    source: { id, frames: sharedFrames },
    webhookUrl: body.webhook_url,
  };
  return jobs.create(job, ticket);
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
