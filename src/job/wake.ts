import { limits } from '../contract/config.ts';
import type { JobError } from '../contract/job.ts';
import type { JobRecord } from './job-record.ts';
import { isRunning } from './state-table.ts';

/** Why a job ends whose frame cannot be made. */
export function generationFailed(cursor: number): JobError {
  return {
    code: 'generation_failed',
    message: `Frame ${cursor} could not be made in ${limits.attemptsPerFrame} attempts; the frames before it are kept.`,
  };
}

/** Why a job ends whose model has been replaced or removed: another build would not continue the same video. */
export const modelGone: JobError = {
  code: 'model_gone',
  message: 'The build of the model that this video began with is not served any more; its frames are kept.',
};

/** Why a fork ends whose source was deleted before all shared frames were copied. */
export const sourceGone: JobError = {
  code: 'source_gone',
  message: 'The video that this one was forked from was deleted before its frames were copied.',
};

/** Silence after which a job counts as dead: three frames' expected time and two seconds. */
export function leaseMilliseconds(frameMilliseconds: number): number {
  return 3 * frameMilliseconds + 2000;
}

/** Pause before the next try at a frame that threw: 0.5, 1, 2, 4 seconds. */
export function retryMilliseconds(attempts: number): number {
  return 500 * 2 ** (attempts - 1);
}

/** Pause before the account is told again what it did not confirm. */
export const settleRetryMilliseconds = 10_000;

/** A job that waits for its turn ends the wake after this time, and begins another. */
export const longestWaitMilliseconds = 10_000;

/** True for a job that rests and whose time is over. */
export function hasExpired({ status, expiresAt }: JobRecord, now: number): boolean {
  return !isRunning(status) && expiresAt !== null && now >= expiresAt;
}

/** True for a job whose wake is late: whoever sees it wakes it. */
export function isOverdue({ wakeAt }: JobRecord, now: number): boolean {
  return wakeAt !== null && now > wakeAt;
}
