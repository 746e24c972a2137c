import { limits } from '../contract/config.ts';
import type { JobError, JobStatus } from '../contract/job.ts';
import { isRunning } from './state-table.ts';

/** What a wake has to know to decide; all of it from storage. */
export interface WakeFacts {
  readonly status: JobStatus;
  /** Index of the next frame. */
  readonly cursor: number;
  /** Tries at the frame at the cursor so far, the one of a killed process included. */
  readonly attempts: number;
}

export type WakeDecision =
  | { readonly kind: 'sleep' }
  | { readonly kind: 'give_up'; readonly error: JobError }
  | { readonly kind: 'compute'; readonly attempts: number };

/** What to do on waking up: nothing any more, fail for good, or try the frame at the cursor. */
export function decideWake(facts: WakeFacts): WakeDecision {
  if (!isRunning(facts.status)) return { kind: 'sleep' };
  if (facts.attempts >= limits.attemptsPerFrame)
    return { kind: 'give_up', error: generationFailed(facts.cursor) };
  return { kind: 'compute', attempts: facts.attempts + 1 };
}

/** After a try that threw: whether it was the last. */
export function isLastAttempt(attempts: number): boolean {
  return attempts >= limits.attemptsPerFrame;
}

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

/** Silence after which a job counts as dead: three frames' expected time and two seconds. */
export function leaseMilliseconds(frameMilliseconds: number): number {
  return 3 * frameMilliseconds + 2000;
}

/** Pause before the next try at a frame that threw: 0.5, 1, 2, 4 seconds. */
export function retryMilliseconds(attempts: number): number {
  return 500 * 2 ** (attempts - 1);
}

/** True for a running job that nobody works at and whose lease is over: whoever sees it wakes it. */
export function isOverdue(job: { status: JobStatus; leaseUntil: number }, now: number): boolean {
  return isRunning(job.status) && now > job.leaseUntil;
}
