import type { Balance, Entry, TopupOutcome } from './ledger.ts';

/** An entry with its place in the ledger, counted from 1. */
export interface PlacedEntry extends Entry {
  readonly position: number;
}

export interface EntryPageRequest {
  /** Place of the entry before the page, or null for the first page. */
  readonly after: number | null;
  readonly limit: number;
  readonly order: 'asc' | 'desc';
}

export interface EntryPage {
  readonly entries: PlacedEntry[];
  readonly hasMore: boolean;
}

/** The credits of one account, as routes use them. */
export interface AccountLedger {
  balance(): Promise<Balance>;
  entries(request: EntryPageRequest): Promise<EntryPage>;
  /** Adds credits that came in under a reference, once, however often it is told of them. */
  credit(reference: string, credits: number): Promise<TopupOutcome>;
}
