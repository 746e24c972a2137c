/** Credits of an account by what they are. */
export interface Balance {
  /** All that ever came in. */
  readonly purchased: number;
  /** Free for orders. */
  readonly available: number;
  /** Set aside for orders that are not finished. */
  readonly held: number;
  /** For frames that were made. */
  readonly spent: number;
}

export const emptyBalance: Balance = { purchased: 0, available: 0, held: 0, spent: 0 };

/**
 * Every kind of entry, and between which two accounts it moves credits. `purchased` grows by debits, the others by
 * credits, so that debits equal credits where purchased = available + held + spent.
 */
export const postings = {
  topup: { debit: 'purchased', credit: 'available' },
  hold: { debit: 'available', credit: 'held' },
  capture: { debit: 'held', credit: 'spent' },
  /** The end of a hold, with what is left of it, which may be nothing. */
  release: { debit: 'held', credit: 'available' },
} as const satisfies Record<string, { debit: keyof Balance; credit: keyof Balance }>;

export type EntryKind = keyof typeof postings;

/** What an entry is about. */
export interface EntrySubject {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Of a hold; null for a top-up. */
  readonly jobId: string | null;
  readonly hold: number | null;
  /** Of a top-up, which is never entered twice under one; null for a hold. */
  readonly reference: string | null;
}

/** One line of a ledger: credits that move from one account to another, and what stands in all of them afterwards. */
export interface Entry extends EntrySubject {
  readonly kind: EntryKind;
  readonly credits: number;
  readonly balance: Balance;
}

/** Storage of a ledger, as its rules use it; synchronous. Entries are only ever added. */
export interface Ledger {
  /** What the last entry left. */
  balance(): Balance;
  append(entry: Entry): void;
  /** Credits of the top-up under a reference; null where there is none. */
  topup(reference: string): number | null;
}

/**
 * A balance after an entry.
 * @throws RangeError where credits are no whole number, or more than there are
 */
function posted(balance: Balance, kind: EntryKind, credits: number): Balance {
  const { debit, credit } = postings[kind];
  const debited = debit === 'purchased' ? balance[debit] + credits : balance[debit] - credits;
  const after = { ...balance, [debit]: debited, [credit]: balance[credit] + credits };
  if (!Number.isSafeInteger(credits) || credits < 0 || debited < 0 || !Number.isSafeInteger(after[credit]))
    throw new RangeError(`no ${kind} of ${credits} credits where there are ${balance[debit]} ${debit}`);
  return after;
}

/**
 * Enters a movement of credits.
 * @throws RangeError where they are more than there are
 */
export function enter(ledger: Ledger, kind: EntryKind, credits: number, subject: EntrySubject): void {
  ledger.append({ ...subject, kind, credits, balance: posted(ledger.balance(), kind, credits) });
}

/** What became of a top-up: `known` where it had been entered before, `other` where that was of other credits. */
export type TopupOutcome = 'entered' | 'known' | 'other';

/** Tops up once under a reference, however often it is asked for. */
export function topUp(
  ledger: Ledger,
  { reference, credits, now }: { reference: string; credits: number; now: number },
): TopupOutcome {
  const known = ledger.topup(reference);
  if (known !== null) return known === credits ? 'known' : 'other';
  enter(ledger, 'topup', credits, { at: now, jobId: null, hold: null, reference });
  return 'entered';
}
