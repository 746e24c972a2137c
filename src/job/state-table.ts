import type { JobStatus, VideoStatus } from '../contract/job.ts';

/** What can happen to a job. */
export type JobEvent =
  | 'frame_committed'
  | 'last_frame_committed'
  | 'given_up'
  | 'paused'
  | 'resumed'
  | 'cancelled'
  | 'extended'
  | 'expired'
  | 'removed';

type Moves = Partial<Record<JobEvent, JobStatus>>;

const running: Moves = {
  frame_committed: 'in_progress',
  last_frame_committed: 'completed',
  given_up: 'failed',
  paused: 'paused',
  cancelled: 'cancelled',
  removed: 'removed',
};

const finished: Moves = { extended: 'queued', expired: 'expired', removed: 'removed' };

/** Every move that exists. */
export const stateTable: Record<JobStatus, Moves> = {
  queued: running,
  in_progress: running,
  paused: { resumed: 'queued', cancelled: 'cancelled', expired: 'expired', removed: 'removed' },
  completed: finished,
  failed: finished,
  cancelled: finished,
  expired: { removed: 'removed' },
  removed: {},
};

/**
 * The state after an event.
 * @throws RangeError for a move that is not in the table, which is a bug of the caller
 */
export function nextStatus(status: JobStatus, event: JobEvent): JobStatus {
  const next = stateTable[status][event];
  if (next === undefined) throw new RangeError(`a job that is ${status} cannot take ${event}`);
  return next;
}

/** True while there are frames to make. */
export function isRunning(status: JobStatus): boolean {
  return stateTable[status].frame_committed !== undefined;
}

/** True once no more frames come unless the owner extends the video. */
export function isFinished(status: JobStatus): boolean {
  return stateTable[status].extended !== undefined;
}

/** True where a command would change nothing. */
export function isSoAlready(status: JobStatus, command: 'pause' | 'resume' | 'cancel'): boolean {
  if (command === 'pause') return status === 'paused';
  return command === 'cancel' ? status === 'cancelled' : isRunning(status);
}

/** True while the job has a video that its owner can see. */
export function isVisible(status: JobStatus): status is VideoStatus {
  return status !== 'expired' && status !== 'removed';
}
