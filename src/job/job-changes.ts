import { isTooLate } from '../billing/holds.ts';
import type { JobError, JobSpec, JobStatus } from '../contract/job.ts';
import { extendedLegs } from '../contract/video-change.ts';
import { WebhookEventType } from '../contract/webhook.ts';
import type { CachedFrame } from '../engine/generation.ts';
import type { PartialFrame } from '../engine/partial-frame.ts';
import type { OwnedJob } from './job-directory.ts';
import type {
  FrameCommit,
  JobChange,
  JobRecord,
  OrderedCommand,
  OrderedExtend,
  Settlement,
} from './job-record.ts';
import { isFinished, isSoAlready, nextStatus } from './state-table.ts';
import { announced } from './webhook-changes.ts';

/** What a change has to know of the time it is made and of the hold that pays. */
export interface Moment {
  readonly now: number;
  /** Milliseconds that a resting video is kept. */
  readonly expiryMs: number;
  /** Of the job's hold. */
  readonly settlement: Settlement;
}

/** A new job, due at once. */
export function newRecord({ firstFrame, frameCredits: _, ...job }: OwnedJob, now: number): JobRecord {
  return {
    ...job,
    isFirstGiven: firstFrame !== null,
    status: 'queued',
    cursor: 0,
    pastCursor: 0,
    attempts: 0,
    epoch: 0,
    hold: 0,
    wakeAt: now,
    createdAt: now,
    completedAt: null,
    expiresAt: null,
    isGoneHeard: false,
    error: null,
    webhookUrl: job.webhookUrl ?? null,
    deliveries: [],
  };
}

/** A try that begins. It is written down before it is made, so that a killed process has counted it. */
export function attemptBegun(job: JobRecord, leaseUntil: number): JobChange {
  return { job: { attempts: job.attempts + 1, wakeAt: leaseUntil } };
}

/** A finished frame with its K and V. */
export interface MadeFrame {
  readonly frame: FrameCommit;
  readonly cache: CachedFrame['cache'];
  /** Frames before the cursor that the next frame can see. */
  readonly window: number;
}

/**
 * The frame at the cursor is finished. The count of attempts starts anew: at 1 where the same wake goes on with the
 * next frame, which is a try at it, else at 0.
 * @param leaseUntil end of the lease for the next frame; null where the wake ends here
 */
export function frameCommitted(
  job: JobRecord,
  { frame, cache, window }: MadeFrame,
  moment: Moment,
  leaseUntil: number | null,
): JobChange {
  const { index } = frame;
  if (index !== job.cursor || index !== job.pastCursor)
    throw new RangeError(
      `frame ${index} is not the next one, ${job.cursor}, after the past, ${job.pastCursor}`,
    );
  const pastCursor = index + 1;
  const isFree = index === 0 && job.isFirstGiven;
  const captured = moment.settlement.captured + (isFree ? 0 : 1);
  const progress = advanced(job, pastCursor, { ...moment, captured, leaseUntil });
  const caches = { caches: [{ index, cache }], keepCacheFrom: pastCursor - window };
  return { ...progress, ...caches, job: { ...progress.job, pastCursor }, frames: [frame], partial: null };
}

/** K and V of finished frames, made anew from latents. */
export interface Replayed {
  readonly caches: readonly CachedFrame[];
  /** The frame before which they stand. */
  readonly pastCursor: number;
  /** Frames before that one that it can see. */
  readonly window: number;
}

/** K and V stand before a later frame than they did. Attempts are counted as for frames. */
export function framesReplayed(
  { caches, pastCursor, window }: Replayed,
  now: number,
  leaseUntil: number | null,
): JobChange {
  const job = { pastCursor, attempts: attemptsAfter(leaseUntil), wakeAt: leaseUntil ?? now };
  return { job, caches, keepCacheFrom: pastCursor - window };
}

/** The wake that goes on has begun a try at what comes next. */
function attemptsAfter(leaseUntil: number | null): number {
  return leaseUntil === null ? 0 : 1;
}

/** Frames that the video shares with its source: nobody pays for them, and their K and V are made anew later. */
export function framesShared(job: JobRecord, frames: readonly FrameCommit[], moment: Moment): JobChange {
  const { captured } = moment.settlement;
  const progress = { ...moment, captured, leaseUntil: null };
  return { frames, ...advanced(job, job.cursor + frames.length, progress) };
}

/** Tokens of the frame at the cursor are revealed, and the wake's time is over. */
export function partCommitted(partial: PartialFrame, now: number): JobChange {
  return { job: { attempts: 0, wakeAt: now }, partial };
}

function advanced(
  job: JobRecord,
  cursor: number,
  progress: Moment & { captured: number; leaseUntil: number | null },
): Pick<JobChange, 'job' | 'settlements'> {
  const { now, settlement, captured, leaseUntil } = progress;
  const isLast = cursor === job.spec.frames;
  const status = nextStatus(job.status, isLast ? 'last_frame_committed' : 'frame_committed');
  const end = isLast ? finished(job, 'completed', progress) : { wakeAt: leaseUntil ?? now };
  return {
    job: { status, cursor, attempts: isLast ? 0 : attemptsAfter(leaseUntil), ...end },
    settlements: [{ ...settlement, captured, isFinal: isLast }],
  };
}

/** The job ends as failed; its frames are kept. */
export function givenUp(job: JobRecord, error: JobError, moment: Moment): JobChange {
  return ended(job, 'given_up', moment, { error });
}

/** Why a job does not take a command. */
export type Refusal = 'job_terminal' | 'job_not_finished' | 'too_late';

/** What an owner's command changes, or why it cannot be: null where everything is so already. */
export function commanded(
  job: JobRecord,
  command: OrderedCommand,
  moment: Moment,
): JobChange | { readonly refused: Refusal } | null {
  if (command.kind === 'extend') return extended(job, command, moment);
  if (command.kind === 'notify') return notified(job, command.webhookUrl ?? job.webhookUrl, moment.now);
  if (isSoAlready(job.status, command.kind)) return null;
  if (isFinished(job.status)) return { refused: 'job_terminal' };
  const { now, expiryMs } = moment;
  const epoch = job.epoch + 1;
  if (command.kind === 'cancel') return ended(job, 'cancelled', moment, { epoch });
  const isPause = command.kind === 'pause';
  return {
    job: {
      status: nextStatus(job.status, isPause ? 'paused' : 'resumed'),
      attempts: 0,
      epoch,
      wakeAt: now,
      expiresAt: isPause ? now + expiryMs : null,
    },
  };
}

function extended(
  job: JobRecord,
  command: OrderedExtend,
  { now }: Moment,
): JobChange | { readonly refused: Refusal } {
  const { hold, openedAt, price } = command.order;
  if (isTooLate(openedAt, now)) return { refused: 'too_late' };
  // Who opened a hold before the one that the job goes by saw the video before it was extended.
  const isOvertaken = command.from !== job.cursor || hold <= job.hold;
  if (!isFinished(job.status) || isOvertaken) return { refused: 'job_not_finished' };
  return {
    job: {
      spec: extendedSpec(job, command),
      // What a fork has not copied until now, it makes itself.
      source: job.source && { ...job.source, frames: Math.min(job.source.frames, job.cursor) },
      status: nextStatus(job.status, 'extended'),
      attempts: 0,
      epoch: job.epoch + 1,
      hold,
      wakeAt: now,
      completedAt: null,
      expiresAt: null,
      error: null,
      webhookUrl: command.webhookUrl ?? job.webhookUrl,
    },
    partial: null,
    settlements: [{ hold, captured: 0, isFinal: false, price }],
  };
}

/** Another address for the news of the video's end; of an end that there was, they go there from now on, all tries anew. */
function notified(job: JobRecord, webhookUrl: string | null, now: number): JobChange | null {
  if (webhookUrl === null) return null;
  if (!isFinished(job.status) || job.completedAt === null) return { job: { webhookUrl } };
  const end = { type: eventType(job.status), epoch: job.epoch, endedAt: job.completedAt };
  const deliveries = announced({ webhookUrl, deliveries: job.deliveries }, end, now);
  return { job: { webhookUrl, deliveries, wakeAt: now } };
}

function extendedSpec({ spec, cursor }: JobRecord, { frames, interval, labels }: OrderedExtend): JobSpec {
  const before = spec.labels.filter(({ from }) => labels === undefined || from < cursor);
  return {
    ...spec,
    frames,
    legs: extendedLegs(spec.legs, cursor, interval),
    labels: [...before, ...(labels ?? [])],
  };
}

/** The video is deleted; the account hears of it before the rest goes, too. */
export function gone(job: JobRecord, event: 'expired' | 'removed', moment: Moment): JobChange {
  return {
    job: {
      status: nextStatus(job.status, event),
      epoch: job.epoch + 1,
      wakeAt: moment.now,
      expiresAt: null,
      isGoneHeard: false,
      webhookUrl: null,
      deliveries: [],
    },
    partial: null,
    dropsVideo: true,
    settlements: [{ ...moment.settlement, isFinal: true }],
  };
}

/** The account has confirmed what it was told. */
export function settled(job: JobRecord, heard: readonly Settlement[], isGone: boolean): JobChange {
  return { job: { isGoneHeard: job.isGoneHeard || isGone }, heard };
}

function ended(
  job: JobRecord,
  event: 'given_up' | 'cancelled',
  moment: Moment,
  also: Partial<JobRecord>,
): JobChange {
  const status = nextStatus(job.status, event);
  return {
    job: { attempts: 0, ...also, ...finished({ ...job, ...also }, status, moment), status },
    partial: null,
    settlements: [{ ...moment.settlement, isFinal: true }],
  };
}

/** A finished job is woken at once: the account has to hear of it, and the webhook. */
function finished(
  job: Pick<JobRecord, 'epoch' | 'webhookUrl' | 'deliveries'>,
  status: JobStatus,
  { now, expiryMs }: Moment,
): Partial<JobRecord> {
  const end = { type: eventType(status), epoch: job.epoch, endedAt: now };
  const deliveries = announced(job, end, now);
  return { completedAt: now, expiresAt: now + expiryMs, wakeAt: now, deliveries };
}

function eventType(status: JobStatus): WebhookEventType {
  return WebhookEventType.parse(`video.${status}`);
}
