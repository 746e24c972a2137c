import { type EntryKind, enter, type Ledger } from './ledger.ts';
import { capturedCredits, type Price, totalCredits } from './price.ts';

/** Milliseconds after which an opened hold can no longer be used to begin or extend a job. */
const openingMilliseconds = 30_000;

/** Milliseconds by which the clocks of two objects differ at most. */
const clockMilliseconds = 5000;

/** Milliseconds after which a hold that no job has confirmed is looked into: surely later than it could be used. */
const sweepMilliseconds = 2 * openingMilliseconds;

/** True where a hold is too old to begin or extend a job under: the account may have given it up. */
export function isTooLate(openedAt: number, now: number): boolean {
  return now - openedAt > openingMilliseconds;
}

/**
 * True where surely no job can begin to go by a hold any more, by whatever clock it looks: then a job that does not
 * know it never will.
 */
export function isGivenUp(openedAt: number, now: number): boolean {
  return now - openedAt > openingMilliseconds + clockMilliseconds;
}

/** Credits set aside for one order of frames: a job's creation, or one of its extensions. */
export interface Hold {
  readonly jobId: string;
  readonly hold: number;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
  readonly price: Price;
  /** True once it is known whether the job goes by it. */
  readonly isConfirmed: boolean;
  /** Frames computed under it. */
  readonly captured: number;
  readonly isEnded: boolean;
}

/**
 * What a job tells of a hold. The count only grows, so that repetition and order of delivery do not matter: the largest
 * is the truth.
 */
export interface Capture {
  readonly hold: number;
  /** Frames computed and committed under this hold. */
  readonly captured: number;
  /** True where no more will be. */
  readonly isFinal: boolean;
}

/** Storage of one account, as its rules use it; synchronous. */
export interface AccountBook extends Ledger {
  hold(jobId: string, hold: number): Hold | null;
  /** Above the numbers of all holds that the job ever had; 0 where it is not in the list yet. */
  nextHold(jobId: string): number;
  /** Holds that have not ended. */
  unfinished(): number;
  unconfirmed(): Hold[];
  /** Inserts or replaces. */
  write(hold: Hold): void;
  /** Takes a job out of the list, and claims without a key to it; its holds stay. */
  unlist(jobId: string): void;
  /** Deletes what an order is known again by: it came to nothing, and sent again it is a new one. */
  unclaim(jobId: string, hold: number): void;
}

/** Why there is no hold for an order. */
export type HoldRefusal =
  | { readonly refused: 'concurrency_limit' }
  | { readonly refused: 'insufficient_credits'; readonly availableCredits: number };

/** An order that wants a hold. */
export interface HoldRequest {
  readonly jobId: string;
  readonly price: Price;
  readonly now: number;
  /** Holds that may be unfinished at a time. */
  readonly maximum: number;
}

/**
 * Opens a hold before the job that will use it is created or extended: a crash in between leaves a hold without a
 * job, never the reverse. Every order has one of its own, so that it can end without a question of who else goes by it.
 */
export function openHold(book: AccountBook, { jobId, price, now, maximum }: HoldRequest): Hold | HoldRefusal {
  if (book.unfinished() >= maximum) return { refused: 'concurrency_limit' };
  const { available } = book.balance();
  if (totalCredits(price) > available)
    return { refused: 'insufficient_credits', availableCredits: available };
  const opened = { ...unpricedHold(jobId, book.nextHold(jobId), now), price };
  book.write(opened);
  enterOf(book, opened, 'hold', totalCredits(price), now);
  return opened;
}

/** What a hold is before anything is known of it. Those of the time before credits stay so: nobody pays for them. */
function unpricedHold(jobId: string, hold: number, openedAt: number): Hold {
  const price = { frames: 0, frameCredits: 0 };
  return { jobId, hold, openedAt, price, isConfirmed: false, captured: 0, isEnded: false };
}

/** Applies what a job tells, however often and in whatever order it comes: the largest count is the truth. */
export function settleHolds(
  book: Pick<AccountBook, 'hold' | 'write' | 'unlist'> & Ledger,
  jobId: string,
  { settlements, isGone }: { readonly settlements: readonly Capture[]; readonly isGone: boolean },
  now: number,
): void {
  for (const { hold, captured, isFinal } of settlements) {
    const known = book.hold(jobId, hold) ?? unpricedHold(jobId, hold, now);
    // A hold ends with its last count: what comes after it was sent before it.
    if (known.isEnded) continue;
    const counted = { ...known, isConfirmed: true, captured: Math.max(known.captured, captured) };
    charge(book, known, counted, now);
    if (isFinal) end(book, counted, now);
    else book.write(counted);
  }
  if (isGone) book.unlist(jobId);
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
  now: number,
): void {
  const known = book.hold(jobId, hold);
  if (known === null || known.isConfirmed) return;
  const confirmed = { ...known, isConfirmed: true };
  if (isUsed) book.write(confirmed);
  else end(book, confirmed, now);
  if (!isUsed) book.unclaim(jobId, hold);
  if (!isUsed && hold === 0) book.unlist(jobId);
}

/** When the account wants to look for overdue holds; null = there is nothing to look for. */
export function nextSweep(book: AccountBook): number | null {
  const opened = book.unconfirmed().map(({ openedAt }) => openedAt);
  return opened.length === 0 ? null : Math.min(...opened) + sweepMilliseconds;
}

type HoldBook = Pick<AccountBook, 'write'> & Ledger;

/** Enters what the frames between two counts cost. */
function charge(book: HoldBook, before: Hold, after: Hold, now: number): void {
  const { price } = after;
  const credits = capturedCredits(price, after.captured) - capturedCredits(price, before.captured);
  if (credits > 0) enterOf(book, after, 'capture', credits, now);
}

/** A hold ends: what is left of it is free again. */
function end(book: HoldBook, hold: Hold, now: number): void {
  const { price, captured } = hold;
  book.write({ ...hold, isEnded: true });
  enterOf(book, hold, 'release', totalCredits(price) - capturedCredits(price, captured), now);
}

function enterOf(
  book: Ledger,
  { jobId, hold }: Hold,
  kind: Exclude<EntryKind, 'topup'>,
  credits: number,
  at: number,
): void {
  enter(book, kind, credits, { at, jobId, hold, reference: null });
}
