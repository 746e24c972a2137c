import type { Capture } from '../billing/holds.ts';
import { limits } from '../contract/config.ts';
import type { JobError } from '../contract/job.ts';
import type { Delivery } from '../contract/webhook.ts';
import type { PartialFrame } from '../engine/partial-frame.ts';
import {
  attemptBegun,
  frameCommitted,
  framesReplayed,
  framesShared,
  givenUp,
  gone,
  type MadeFrame,
  type Moment,
  partCommitted,
  type Replayed,
  settled,
} from './job-changes.ts';
import type { FrameCommit, JobChange, JobRecord, Settlement } from './job-record.ts';
import { isRunning, isVisible } from './state-table.ts';
import {
  generationFailed,
  hasExpired,
  longestWaitMilliseconds,
  retryMilliseconds,
  settleRetryMilliseconds,
} from './wake.ts';
import {
  type DeliveryAnswer,
  deliveryBegun,
  deliveryEnded,
  dueDelivery,
  earlier,
  nextDeliveryAt,
  withDelivery,
} from './webhook-changes.ts';

/** What a piece of work came to. */
export type Piece =
  /** `goesOn` where the wake's time holds another piece. */
  | ({ readonly kind: 'frame'; readonly goesOn: boolean } & MadeFrame)
  | ({ readonly kind: 'replayed'; readonly goesOn: boolean } & Replayed)
  /** Frames of the source of a fork. */
  | { readonly kind: 'shared'; readonly frames: readonly FrameCommit[] }
  /** The wake's time is over in the middle of a frame. */
  | { readonly kind: 'part'; readonly partial: PartialFrame }
  /** It will never be possible. */
  | { readonly kind: 'impossible'; readonly error: JobError }
  /** It failed; perhaps not the next time. */
  | { readonly kind: 'threw' };

/** What the account has to hear. */
export interface SettlementMessage {
  readonly settlements: readonly Capture[];
  /** True where the video has expired or was removed: the account forgets the job. */
  readonly isGone: boolean;
}

/**
 * What a wake asks of the world, and what is answered. The first group is answered at once and nothing comes
 * between; during the others time passes, requests are served, and the process may die.
 */
export interface Answers {
  read: JobRecord | null;
  clock: number;
  /** From 0 to 1. */
  random: number;
  settlement: Settlement;
  outbox: Settlement[];
  write: undefined;
  /** 0 = it is this job's turn to compute, and stays so until the wake ends; else milliseconds to wait. */
  turn: number;

  wait: undefined;
  /** All that was written is on disk. */
  sync: undefined;
  compute: Piece;
  share: Piece;
  /** True once the account has it. */
  settle: boolean;
  /** Within the time of one try. */
  deliver: DeliveryAnswer;
  /** All of the job is deleted. */
  forget: undefined;
}

export type Effect =
  | { readonly kind: 'read' | 'clock' | 'random' | 'outbox' | 'turn' | 'sync' | 'forget' }
  | { readonly kind: 'settlement'; readonly hold: number }
  | { readonly kind: 'write'; readonly change: JobChange }
  | { readonly kind: 'wait'; readonly milliseconds: number }
  /** The next piece of the chunk, from the job as it stands. */
  | { readonly kind: 'compute' }
  /** The next frames of the source. */
  | { readonly kind: 'share' }
  | { readonly kind: 'settle'; readonly message: SettlementMessage }
  /** The webhook at `url` hears of an end of the video. */
  | { readonly kind: 'deliver'; readonly url: string; readonly delivery: Delivery };

/** Protocols do nothing themselves: they yield effects and get answers, so that any world can run them. */
export type Protocol<Result> = Generator<Effect, Result, Answers[Effect['kind']]>;

export interface WakeSettings {
  /** Milliseconds from one sign of life to the next, at most. */
  readonly leaseMs: (job: JobRecord) => number;
  /** Milliseconds that a resting video is kept. */
  readonly expiryMs: number;
}

/**
 * One alarm run of a job: a chunk of frames, then the account; of a job that rests, the webhook in place of frames.
 * docs/decisions/0003-durability.md tells why so.
 */
export function* wake(settings: WakeSettings): Protocol<void> {
  const job = yield* ask({ kind: 'read' });
  if (job === null) return;
  if (hasExpired(job, yield* ask({ kind: 'clock' }))) {
    yield* write(gone(job, 'expired', yield* momentOf(job, settings)));
  } else if (isRunning(job.status)) {
    const isShared = job.cursor < (job.source?.frames ?? 0);
    if (isShared) yield* attempt(job, settings, 'share');
    else if (yield* takeTurn(job, settings)) yield* attempt(job, settings, 'compute');
  }
  const restUntil = yield* settleAccount();
  // Not after frames: whoever computed holds the right to compute until the wake ends, and no receiver may hold it.
  if (!isRunning(job.status)) yield* tellWebhook(restUntil);
}

/** True once it is this job's turn; false where it was told otherwise meanwhile, or waited long enough for one wake. */
function* takeTurn(job: JobRecord, { leaseMs }: WakeSettings): Protocol<boolean> {
  let milliseconds = yield* ask({ kind: 'turn' });
  if (milliseconds === 0) return true;
  const lease = leaseMs(job) + longestWaitMilliseconds;
  yield* write({ job: { wakeAt: (yield* ask({ kind: 'clock' })) + lease } });
  for (let waited = 0; waited < longestWaitMilliseconds; waited += milliseconds) {
    yield* ask({ kind: 'wait', milliseconds });
    const now = yield* ask({ kind: 'read' });
    if (now === null || now.epoch !== job.epoch) return false;
    milliseconds = yield* ask({ kind: 'turn' });
    if (milliseconds === 0) return true;
  }
  yield* write({ job: { wakeAt: yield* ask({ kind: 'clock' }) } });
  return false;
}

function* attempt(job: JobRecord, settings: WakeSettings, kind: 'compute' | 'share'): Protocol<void> {
  if (job.attempts >= limits.attemptsPerFrame) {
    yield* write(givenUp(job, generationFailed(job.cursor), yield* momentOf(job, settings)));
    return;
  }
  yield* write(attemptBegun(job, (yield* ask({ kind: 'clock' })) + settings.leaseMs(job)));
  while (true) {
    // Without it, the count of attempts could be lost with the frame before, and a frame that kills be tried for ever.
    yield* ask({ kind: 'sync' });
    const piece = yield* ask({ kind });
    const standing = yield* ask({ kind: 'read' });
    if (standing === null || standing.epoch !== job.epoch) return;
    const moment = yield* momentOf(standing, settings);
    yield* write(outcome(standing, piece, moment, settings));
    if (!('goesOn' in piece) || !piece.goesOn) return;
  }
}

/** What a piece of work changes. */
function outcome(job: JobRecord, piece: Piece, moment: Moment, { leaseMs }: WakeSettings): JobChange {
  const leaseUntil = 'goesOn' in piece && piece.goesOn ? moment.now + leaseMs(job) : null;
  switch (piece.kind) {
    case 'frame':
      return frameCommitted(job, piece, moment, leaseUntil);
    case 'replayed':
      return framesReplayed(piece, moment.now, leaseUntil);
    case 'shared':
      return framesShared(job, piece.frames, moment);
    case 'part':
      return partCommitted(piece.partial, moment.now);
    case 'impossible':
      return givenUp(job, piece.error, moment);
    case 'threw':
      return job.attempts >= limits.attemptsPerFrame
        ? givenUp(job, generationFailed(job.cursor), moment)
        : { job: { wakeAt: moment.now + retryMilliseconds(job.attempts) } };
  }
}

/**
 * Tells the account what it has not confirmed; afterwards a resting job sleeps until it expires, or its webhook is to
 * hear of something.
 * @returns when a resting job wants to be awake for another reason than its webhook
 */
function* settleAccount(): Protocol<number | null> {
  const job = yield* ask({ kind: 'read' });
  if (job === null) return null;
  const settlements = yield* ask({ kind: 'outbox' });
  const isGone = !isVisible(job.status);
  const isUpToDate = settlements.length === 0 && (!isGone || job.isGoneHeard);
  const isHeard = isUpToDate || (yield* ask({ kind: 'settle', message: { settlements, isGone } }));
  const standing = yield* ask({ kind: 'read' });
  if (standing === null) return null;
  if (isHeard && standing.status === 'removed' && isGone) {
    yield* ask({ kind: 'forget' });
    return null;
  }
  const heard = isHeard && !isUpToDate ? settled(standing, settlements, isGone) : null;
  if (isRunning(standing.status)) {
    if (heard !== null) yield* write(heard);
    return null;
  }
  const isNewer = standing.epoch !== job.epoch;
  const now = yield* ask({ kind: 'clock' });
  const restUntil = isNewer ? now : isHeard ? standing.expiresAt : now + settleRetryMilliseconds;
  yield* write({ ...heard, job: { ...heard?.job, wakeAt: earlier(restUntil, nextDeliveryAt(standing)) } });
  return restUntil;
}

/** One try at what the webhook of a resting job is to hear. Nothing else waits for it: neither frames nor the expiry. */
function* tellWebhook(restUntil: number | null): Protocol<void> {
  const job = yield* ask({ kind: 'read' });
  if (job === null || job.webhookUrl === null || isRunning(job.status)) return;
  const now = yield* ask({ kind: 'clock' });
  const due = dueDelivery(job, now);
  if (due === null) return;
  const tried = deliveryBegun(due, now, yield* ask({ kind: 'random' }));
  yield* write(delivered(job, tried, restUntil));
  if (tried.status === 'failed') return;
  const answer = yield* ask({ kind: 'deliver', url: job.webhookUrl, delivery: tried });
  const standing = yield* ask({ kind: 'read' });
  const ended = standing && deliveryEnded(standing, tried, answer);
  if (standing === null || ended === null) return;
  if (standing.epoch === job.epoch) yield* write(delivered(standing, ended, restUntil));
  else yield* write({ job: { deliveries: withDelivery(standing, ended) } });
}

function delivered(job: JobRecord, delivery: Delivery, restUntil: number | null): JobChange {
  const deliveries = withDelivery(job, delivery);
  return { job: { deliveries, wakeAt: earlier(restUntil, nextDeliveryAt({ deliveries })) } };
}

function* momentOf(job: JobRecord, { expiryMs }: WakeSettings): Protocol<Moment> {
  const settlement = yield* ask({ kind: 'settlement', hold: job.hold });
  return { now: yield* ask({ kind: 'clock' }), expiryMs, settlement };
}

function* write(change: JobChange): Protocol<void> {
  yield* ask({ kind: 'write', change });
}

function* ask<Asked extends Effect>(effect: Asked): Protocol<Answers[Asked['kind']]> {
  return (yield effect) as Answers[Asked['kind']];
}
