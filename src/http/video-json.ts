import type { Video } from '../contract/job.ts';
import type { NamedJob } from '../job/job-directory.ts';

/** A job on the wire. */
export function videoJson(job: NamedJob): Video {
  const { spec } = job;
  const only = spec.labels.length === 1 && spec.labels[0]?.from === 0 ? spec.labels[0].label : null;
  return {
    id: job.id,
    object: 'video',
    status: job.status,
    progress: Math.floor((100 * job.committedFrames) / spec.frames),
    model: spec.model,
    prompt: only,
    labels: spec.labels,
    seconds: String(spec.frames / spec.framesPerSecond),
    size: `${spec.width}x${spec.height}`,
    frames: { requested: spec.frames, committed: job.committedFrames },
    interval: spec.interval,
    seed: spec.seed,
    decode_steps: spec.decodeSteps,
    head_steps: spec.headSteps,
    palette: spec.palette,
    metadata: spec.metadata,
    created_at: unixSeconds(job.createdAt),
    completed_at: job.completedAt === null ? null : unixSeconds(job.completedAt),
    error: job.error,
  };
}

function unixSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
