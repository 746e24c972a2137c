import { limits } from '../../src/contract/config.ts';
import type { JobRecord } from '../../src/job/job-record.ts';
import { isFinished, isRunning, isVisible } from '../../src/job/state-table.ts';
import { plannedContent, windowOf } from './frame-content.ts';
import type { JobState } from './job-state.ts';
import type { SimulatedJob } from './simulated-job.ts';
import { must } from './violation.ts';

/** What can be seen of a job between two turns. */
type AtRest = Pick<SimulatedJob, 'id' | 'state' | 'isHandlingAlarm' | 'isAlarmDropped'>;

/** What every change of a job keeps to. */
export function checkJobWrite(id: string, before: JobState, after: JobState): void {
  const { job } = after;
  if (job === null || before.job === null) return;
  must(job.cursor >= before.job.cursor, () => `${id}: the cursor goes back to ${job.cursor}`);
  must(job.epoch >= before.job.epoch, () => `${id}: the epoch goes back`);
  must(job.hold >= before.job.hold, () => `${id}: the hold goes back`);
  const { status } = before.job;
  const goesOn = job.hold > before.job.hold || !isVisible(job.status);
  must(
    !isFinished(status) || job.status === status || goesOn,
    () => `${id}: is ${job.status} after ${status}`,
  );
  must(
    job.attempts <= limits.attemptsPerFrame,
    () => `${id}: attempt ${job.attempts} at frame ${job.cursor}`,
  );
  must(!isRunning(job.status) || job.wakeAt !== null, () => `${id}: runs and wants no wake`);
  if (after.frames !== before.frames && isVisible(job.status)) checkFrames(id, before, after);
}

function checkFrames(id: string, before: JobState, after: JobState): void {
  const status = before.job?.status;
  must(status !== undefined && isRunning(status), () => `${id}: a frame is committed while ${status}`);
  for (const [index, content] of before.frames.entries())
    must(after.frames[index] === content, () => `${id}: frame ${index} has been altered`);
  for (let index = before.frames.length; index < after.frames.length; index++) {
    const planned = plannedContent(after.plan, index, after.frames);
    must(planned !== null, () => `${id}: frame ${index} was not ordered`);
    must(
      after.frames[index] === planned,
      () =>
        `${id}: frame ${index} is ${after.frames[index]?.toString(16)}, an undisturbed run makes ${planned.toString(16)}`,
    );
  }
}

/** What holds after every turn of a job. */
export function checkJobAtRest(object: AtRest): void {
  const { job, frames, partial, alarm, plan } = object.state;
  const { id } = object;
  if (job === null) {
    must(frames.length === 0 && partial === null, () => `${id}: frames without a job`);
    return;
  }
  const kept = isVisible(job.status) ? job.cursor : 0;
  must(frames.length === kept, () => `${id}: ${frames.length} frames where the job counts ${kept}`);
  must(
    partial === null || partial.index === job.cursor,
    () => `${id}: a part of a frame that is not the next`,
  );
  checkPast(object);
  for (const { hold, captured, price } of object.state.settlements)
    must(captured <= price.frames, () => `${id}: hold ${hold} made ${captured} of ${price.frames} frames`);
  must(job.spec.frames === plan.length, () => `${id}: other frames than were ordered`);
  must(job.cursor <= job.spec.frames, () => `${id}: more frames than were ordered`);
  const isWoken = alarm !== null || object.isHandlingAlarm || object.isAlarmDropped;
  must(job.wakeAt === null || isWoken, () => `${id}: ${job.status}, waits for a wake that does not come`);
}

/** K and V are those of the window, no more and no less, and what frames are drawn from is exact. */
function checkPast({ id, state: { job, frames, caches } }: AtRest): void {
  if (job === null) return;
  const { cursor, pastCursor } = job;
  must(pastCursor <= cursor, () => `${id}: a past before frame ${pastCursor}, where the next is ${cursor}`);
  const kept = caches.map(({ index }) => index).join();
  const window = isVisible(job.status) ? windowOf(pastCursor, cursor).join() : '';
  must(kept === window, () => `${id}: keeps K and V of ${kept}, where the window is ${window}`);
  if (pastCursor < cursor) return;
  for (const { index, content } of caches)
    must(content === frames[index], () => `${id}: K and V of frame ${index} are not those of the frame`);
}

/**
 * What holds whenever a piece of a frame is begun to be computed. Counts the tries at it.
 * @param first the job as the wake found it
 * @param latePieces pieces that the wake began after the owner told the job otherwise
 * @returns the same count, this piece included
 */
export function checkComputing(object: SimulatedJob, first: JobRecord, latePieces: number): number {
  const { job, partial } = object.state;
  const { id, tries } = object;
  const late = job === null || job.epoch !== first.epoch ? latePieces + 1 : latePieces;
  must(late <= 1, () => `${id}: computes on after it was told otherwise`);
  if (job === null || late > latePieces) return late;
  must(isRunning(job.status), () => `${id}: computes while ${job.status}`);
  const key = (((partial?.decodeSteps ?? 0) * 1024 + job.cursor) * 1024 + job.pastCursor) * 1024 + job.epoch;
  const count = (tries.get(key) ?? 0) + 1;
  tries.set(key, count);
  must(count <= limits.attemptsPerFrame, () => `${id}: try ${count} at frame ${job.cursor}`);
  return late;
}

/** What holds of a job once everything has come to rest. */
export function checkJobAtEnd(object: Omit<AtRest, 'isAlarmDropped'>): void {
  const { id, state } = object;
  const { job, frames, alarm, settlements } = state;
  must(!object.isHandlingAlarm, () => `${id}: a wake does not end`);
  if (job === null) {
    must(alarm === null && settlements.length === 0, () => `${id}: something is left of a job that is not`);
    return;
  }
  must(!isRunning(job.status), () => `${id}: is ${job.status} for ever`);
  must(job.status !== 'removed', () => `${id}: is removed and never deleted`);
  for (const { hold, captured, isFinal, heardCaptured, heardFinal } of settlements) {
    const isHeard = heardCaptured === captured && heardFinal === isFinal;
    must(isHeard, () => `${id}: the account never hears of hold ${hold}`);
  }
  if (job.status === 'completed')
    must(job.cursor === job.spec.frames, () => `${id}: is completed with ${job.cursor} frames`);
  if (job.status !== 'expired') return;
  must(frames.length === 0 && state.partial === null, () => `${id}: has expired and keeps frames`);
  must(alarm === null && job.isGoneHeard, () => `${id}: has expired and waits for something`);
}
