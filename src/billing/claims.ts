import { limits } from '../contract/config.ts';
import {
  type AccountBook,
  type Hold,
  type HoldRefusal,
  type HoldRequest,
  isGivenUp,
  openHold,
} from './holds.ts';

const keyMilliseconds = limits.idempotencyHours * 60 * 60 * 1000;
const repetitionMilliseconds = limits.repetitionMinutes * 60 * 1000;

/** By what an order is known again when it is sent once more. */
export interface Ticket {
  /** Chosen by the caller; null where he sent none. */
  readonly key: string | null;
  /** SHA-256 of the call and of its parsed body. */
  readonly request: string;
  /** True where the caller's client says that it has sent the same before. */
  readonly isRepeated: boolean;
}

/** What an account remembers of an order. */
export interface Claim {
  readonly key: string | null;
  readonly request: string;
  readonly jobId: string;
  readonly hold: number;
  /** Milliseconds since 1970. */
  readonly claimedAt: number;
  /** What the order is answered with, from the first time on; null where nobody has been answered, or without a key. */
  readonly answer: string | null;
}

/** Storage of one account's claims beside its holds; synchronous. */
export interface ClaimBook extends AccountBook {
  /** The claim under a key. */
  claim(key: string): Claim | null;
  /** The newest claim without a key of the same request. */
  lastClaim(request: string): Claim | null;
  /** Inserts, or replaces the one under the same key. */
  writeClaim(claim: Claim): void;
  /** Deletes claims that are older. */
  forgetClaims(before: { readonly withKey: number; readonly withoutKey: number }): void;
}

/**
 * What is known of an order that may have been sent before. `pending` is one that has a hold, while its answer is not
 * known: the job alone can say whether it goes by it.
 */
export type Recalled =
  | { readonly state: 'reused' }
  | { readonly state: 'answered'; readonly answer: string }
  | {
      readonly state: 'pending';
      readonly jobId: string;
      readonly hold: number;
      /** True where the job has told of the hold. */
      readonly isUsed: boolean;
      /** True where no job can begin to go by the hold any more. */
      readonly isGivenUp: boolean;
    };

/** What is known of an order; null where it has to be carried out. */
export function recalled(book: ClaimBook, ticket: Ticket, now: number): Recalled | null {
  const claim = claimOf(book, ticket, now);
  if (claim === null) return null;
  if (claim.request !== ticket.request) return { state: 'reused' };
  if (claim.answer !== null) return { state: 'answered', answer: claim.answer };
  const { jobId, hold } = claim;
  const known = book.hold(jobId, hold);
  if (known === null) throw new Error(`a claim goes by hold ${hold} of ${jobId}, which there is not`);
  const { isConfirmed, openedAt } = known;
  return { state: 'pending', jobId, hold, isUsed: isConfirmed, isGivenUp: isGivenUp(openedAt, now) };
}

/** As openHold; what is opened is known by its ticket from then on, and nothing is opened for one that is known. */
export function claimHold(
  book: ClaimBook,
  request: HoldRequest,
  ticket: Ticket | null,
): Hold | HoldRefusal | { readonly refused: 'claimed' } {
  const { jobId, now } = request;
  if (ticket === null) return openHold(book, request);
  book.forgetClaims({ withKey: now - keyMilliseconds, withoutKey: now - repetitionMilliseconds });
  if (claimOf(book, ticket, now) !== null) return { refused: 'claimed' };
  const opened = openHold(book, request);
  if ('refused' in opened) return opened;
  const { key, request: hash } = ticket;
  book.writeClaim({ key, request: hash, jobId, hold: opened.hold, claimedAt: now, answer: null });
  return opened;
}

/**
 * What an order under a key is answered with: the first answer that was ever noted for it.
 * @returns the answer to give
 */
export function noteAnswer(
  book: ClaimBook,
  { key, jobId, hold }: { readonly key: string; readonly jobId: string; readonly hold: number },
  answer: string,
): string {
  const claim = book.claim(key);
  // A request that took a day: its claim is forgotten, or somebody else's.
  if (claim === null || claim.jobId !== jobId || claim.hold !== hold) return answer;
  if (claim.answer === null) book.writeClaim({ ...claim, answer });
  return claim.answer ?? answer;
}

/** Without a key, only who says that he repeats himself is taken for somebody who does. */
function claimOf(book: ClaimBook, { key, request, isRepeated }: Ticket, now: number): Claim | null {
  if (key === null && !isRepeated) return null;
  const claim = key === null ? book.lastClaim(request) : book.claim(key);
  const lifetime = key === null ? repetitionMilliseconds : keyMilliseconds;
  return claim !== null && now - claim.claimedAt <= lifetime ? claim : null;
}
