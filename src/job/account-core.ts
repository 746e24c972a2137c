import type { SettlementMessage } from './wake-protocol.ts';

/** Milliseconds after which an opened hold can no longer be used to begin or extend a job. */
const openingMilliseconds = 30_000;

/** Milliseconds after which a hold that no job has confirmed is looked into: surely later than it could be used. */
const sweepMilliseconds = 2 * openingMilliseconds;

/** True where a hold is too old to begin or extend a job under: the account may have given it up. */
export function isTooLate(openedAt: number, now: number): boolean {
  return now - openedAt > openingMilliseconds;
}

/** One order of frames: a job's creation, or one of its extensions. */
export interface Hold {
  readonly jobId: string;
  readonly hold: number;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
  /** True once it is known whether the job goes by it. */
  readonly isConfirmed: boolean;
  /** Frames computed under it. */
  readonly captured: number;
  readonly isEnded: boolean;
}

/** Storage of one account, as its rules use it; synchronous. */
export interface AccountBook {
  hold(jobId: string, hold: number): Hold | null;
  /** Above the numbers of all holds that the job ever had; 0 where it is not in the list yet. */
  nextHold(jobId: string): number;
  /** Holds that have not ended. */
  unfinished(): number;
  unconfirmed(): Hold[];
  /** Inserts or replaces. */
  write(hold: Hold): void;
  /** Takes a job out of the list; its holds stay. */
  unlist(jobId: string): void;
}

/**
 * Opens a hold before the job that will use it is created or extended: a crash in between leaves a hold without a
 * job, never the reverse. Every order has one of its own, so that it can end without a question of who else goes by it.
 */
export function openHold(
  book: AccountBook,
  { jobId, now, maximum }: { jobId: string; now: number; maximum: number },
): Hold | 'concurrency_limit' {
  if (book.unfinished() >= maximum) return 'concurrency_limit';
  const hold = book.nextHold(jobId);
  const opened = { jobId, hold, openedAt: now, isConfirmed: false, captured: 0, isEnded: false };
  book.write(opened);
  return opened;
}

/** Applies what a job tells, however often and in whatever order it comes: the largest count is the truth. */
export function settleHolds(
  book: Pick<AccountBook, 'hold' | 'write' | 'unlist'>,
  jobId: string,
  message: SettlementMessage,
  now: number,
): void {
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

/** Whether a job goes by a hold: one that came to nothing ends here. Nothing changes where that was known already. */
export function confirmHold(
  book: AccountBook,
  { jobId, hold }: Pick<Hold, 'jobId' | 'hold'>,
  isUsed: boolean,
): void {
  const known = book.hold(jobId, hold);
  if (known === null || known.isConfirmed) return;
  book.write({ ...known, isConfirmed: true, isEnded: !isUsed });
  if (!isUsed && hold === 0) book.unlist(jobId);
}

/** When the account wants to look for overdue holds; null = there is nothing to look for. */
export function nextSweep(book: AccountBook): number | null {
  const opened = book.unconfirmed().map(({ openedAt }) => openedAt);
  return opened.length === 0 ? null : Math.min(...opened) + sweepMilliseconds;
}
