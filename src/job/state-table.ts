import type { JobStatus } from '../contract/job.ts';

/** What can happen to a job. */
export type JobEvent = 'frame_committed' | 'last_frame_committed' | 'given_up';

/** Every move that exists. A terminal state has none, so it absorbs. */
const table: Record<JobStatus, Partial<Record<JobEvent, JobStatus>>> = {
  queued: { frame_committed: 'in_progress', last_frame_committed: 'completed', given_up: 'failed' },
  in_progress: { frame_committed: 'in_progress', last_frame_committed: 'completed', given_up: 'failed' },
  completed: {},
  failed: {},
};

/**
 * The state after an event.
 * @throws RangeError for a move that is not in the table, which is a bug of the caller
 */
export function nextStatus(status: JobStatus, event: JobEvent): JobStatus {
  const next = table[status][event];
  if (next === undefined) throw new RangeError(`a job that is ${status} cannot take ${event}`);
  return next;
}

/** True while there are frames to make, so that an alarm has to exist. */
export function isRunning(status: JobStatus): boolean {
  return table[status].frame_committed !== undefined;
}
