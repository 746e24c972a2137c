import type { SettlementMessage } from './wake-protocol.ts';

/** Milliseconds after which an opened hold can no longer be used to begin or extend a job. */
export const openingMilliseconds = 30_000;

/** Milliseconds after which a hold that no job has confirmed is looked into: surely later than it could be used. */
const sweepMilliseconds = 2 * openingMilliseconds;

/** One order of frames: a job's creation, or one of its extensions. */
export interface Hold {
  readonly jobId: string;
  readonly hold: number;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
  /** True once the job has been heard of. */
  readonly isConfirmed: boolean;
  /** Frames computed under it. */
  readonly captured: number;
  readonly isEnded: boolean;
}

/** Storage of one account, as its rules use it; synchronous. */
export interface AccountBook {
  hold(jobId: string, hold: number): Hold | null;
  /** Holds that have not ended. */
  unfinished(): number;
  unconfirmed(): Hold[];
  /** Inserts or replaces. */
  write(hold: Hold): void;
  erase(hold: Hold): void;
  /** Takes a job out of the list; its holds stay. */
  unlist(jobId: string): void;
}

/**
 * Opens a hold before the job that will use it is created or extended: a crash in between leaves a hold without a
 * job, never the reverse. Opening it again changes nothing.
 */
export function openHold(
  book: AccountBook,
  { jobId, hold, now, maximum }: { jobId: string; hold: number; now: number; maximum: number },
): 'open' | 'concurrency_limit' {
  if (book.hold(jobId, hold) !== null) return 'open';
  if (book.unfinished() >= maximum) return 'concurrency_limit';
  book.write({ jobId, hold, openedAt: now, isConfirmed: false, captured: 0, isEnded: false });
  return 'open';
}

/** Applies what a job tells, however often and in whatever order it comes: the largest count is the truth. */
export function settleHolds(book: AccountBook, jobId: string, message: SettlementMessage, now: number): void {
  for (const { hold, captured, isFinal } of message.settlements) {
    const known = book.hold(jobId, hold);
    book.write({
      jobId,
      hold,
      openedAt: known?.openedAt ?? now,
      isConfirmed: true,
      captured: Math.max(known?.captured ?? 0, captured),
      isEnded: (known?.isEnded ?? false) || isFinal,
    });
  }
  if (message.isGone) book.unlist(jobId);
}

/** Holds that nobody has confirmed for so long that their jobs have to be asked. */
export function overdueHolds(book: AccountBook, now: number): Hold[] {
  return book.unconfirmed().filter(({ openedAt }) => now - openedAt >= sweepMilliseconds);
}

/** A job was asked how many holds it knows: one that it doesn't know ends here. */
export function holdProbed(book: AccountBook, probed: Hold, knownHolds: number): void {
  const hold = book.hold(probed.jobId, probed.hold);
  if (hold === null || hold.isConfirmed) return;
  if (knownHolds > hold.hold) {
    book.write({ ...hold, isConfirmed: true });
    return;
  }
  book.erase(hold);
  if (hold.hold === 0) book.unlist(hold.jobId);
}

/** When the account wants to look for overdue holds; null = there is nothing to look for. */
export function nextSweep(book: AccountBook): number | null {
  const opened = book.unconfirmed().map(({ openedAt }) => openedAt);
  return opened.length === 0 ? null : Math.min(...opened) + sweepMilliseconds;
}
