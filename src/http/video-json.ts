import type { Context } from 'hono';
import type { FirstFrame, Video } from '../contract/job.ts';
import type { Sampling } from '../contract/sampling.ts';
import type { Webhook } from '../contract/webhook.ts';
import type { NamedJob } from '../job/job-directory.ts';
import type { ServiceEnvironment } from './services.ts';
import { signedLinks } from './signed-link.ts';

/**
 * A job on the wire.
 * @param token of its links
 */
export function videoJson(job: NamedJob, token: string): Video {
  const { spec } = job;
  const leg = spec.legs.at(-1);
  if (leg === undefined) throw new Error(`job ${job.id} has no leg`);
  const only = spec.labels.length === 1 && spec.labels[0]?.from === 0 ? spec.labels[0].label : null;
  return {
    id: job.id,
    object: 'video',
    status: job.status,
    progress: progressPercent(job),
    model: spec.model,
    prompt: only,
    labels: spec.labels,
    seconds: String(spec.frames / spec.framesPerSecond),
    size: `${spec.width}x${spec.height}`,
    frames: { requested: spec.frames, committed: job.committedFrames },
    interval: leg.interval,
    seed: leg.seed,
    legs: spec.legs,
    forked_from: job.source,
    decode_steps: spec.decodeSteps,
    head_steps: spec.headSteps,
    temperature: spec.temperature,
    first_frame: firstFrameJson(spec.firstFrameSampling),
    palette: spec.palette,
    metadata: spec.metadata,
    cost: job.cost,
    links: signedLinks(job.id, token),
    created_at: unixSeconds(job.createdAt),
    completed_at: job.completedAt === null ? null : unixSeconds(job.completedAt),
    expires_at: job.expiresAt === null ? null : unixSeconds(job.expiresAt),
    error: job.error,
    webhook: webhookJson(job),
  };
}

/** How frame 0 is drawn, on the wire. */
export function firstFrameJson({ decodeSteps, headSteps, temperature }: Sampling): FirstFrame {
  return { decode_steps: decodeSteps, head_steps: headSteps, temperature };
}

function webhookJson({ webhook }: NamedJob): Webhook | null {
  if (webhook === null) return null;
  const { url, delivery } = webhook;
  const { type: event, status, attempts, lastError, nextAttemptAt } = delivery ?? noDelivery;
  const next = nextAttemptAt === null ? null : unixSeconds(nextAttemptAt);
  return { url, event, status, attempts, last_error: lastError, next_attempt_at: next };
}

/** Of a video that has not ended yet. */
const noDelivery = {
  type: null,
  status: 'pending',
  attempts: 0,
  lastError: null,
  nextAttemptAt: null,
} as const;

/** An answer that is a job of the caller's. */
export async function videoResponse(
  { var: { tokenFor } }: Context<ServiceEnvironment>,
  job: NamedJob,
): Promise<Response> {
  return Response.json(videoJson(job, await tokenFor(job.id)));
}

/** Percent of the frames, rounded down. */
export function progressPercent({ committedFrames, spec }: NamedJob): number {
  return Math.floor((100 * committedFrames) / spec.frames);
}

function unixSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
