import type { Claim, ClaimBook } from '../../src/billing/claims.ts';
import type { Hold } from '../../src/billing/holds.ts';
import { type Balance, type Entry, emptyBalance } from '../../src/billing/ledger.ts';
import { must } from './violation.ts';

/** All that the account's object has in storage. Never changed, only replaced. */
export interface AccountState {
  readonly holds: readonly Hold[];
  readonly listed: readonly string[];
  /** What the last entry of the ledger left; who only goes on from it needs no entry before. */
  readonly balance: Balance;
  /** Top-ups by their references. */
  readonly topups: Readonly<Record<string, number>>;
  /** Holds whose end is entered. */
  readonly released: readonly string[];
  /** What orders are known again by, the newest last. */
  readonly claims: readonly Claim[];
  readonly alarm: number | null;
}

export const emptyAccountState: AccountState = {
  holds: [],
  listed: [],
  balance: emptyBalance,
  topups: {},
  released: [],
  claims: [],
  alarm: null,
};

/** Where an account's state stands and is replaced. */
export interface AccountCell {
  readonly state: AccountState;
  change(state: AccountState): void;
}

/** The storage of an account in memory: what AccountStore does. */
export class SimulatedAccountBook implements ClaimBook {
  readonly #cell: AccountCell;

  constructor(cell: AccountCell) {
    this.#cell = cell;
  }

  list(jobId: string): void {
    const { state } = this.#cell;
    if (!state.listed.includes(jobId)) this.#cell.change({ ...state, listed: [...state.listed, jobId] });
  }

  unlist(jobId: string): void {
    const { state } = this.#cell;
    if (state.listed.includes(jobId))
      this.#cell.change({ ...state, listed: state.listed.filter((id) => id !== jobId) });
    this.#keepClaims((claim) => claim.jobId !== jobId || claim.key !== null);
  }

  claim(key: string): Claim | null {
    return this.#cell.state.claims.find((claim) => claim.key === key) ?? null;
  }

  lastClaim(request: string): Claim | null {
    const { claims } = this.#cell.state;
    return claims.findLast((claim) => claim.request === request && claim.key === null) ?? null;
  }

  writeClaim(claim: Claim): void {
    const others = this.#cell.state.claims.filter(({ key }) => key === null || key !== claim.key);
    this.#cell.change({ ...this.#cell.state, claims: [...others, claim] });
  }

  unclaim(jobId: string, hold: number): void {
    this.#keepClaims((claim) => claim.jobId !== jobId || claim.hold !== hold);
  }

  forgetClaims({ withKey, withoutKey }: { readonly withKey: number; readonly withoutKey: number }): void {
    this.#keepClaims(({ key, claimedAt }) => claimedAt >= (key === null ? withoutKey : withKey));
  }

  #keepClaims(isKept: (claim: Claim) => boolean): void {
    const { state } = this.#cell;
    if (!state.claims.every(isKept)) this.#cell.change({ ...state, claims: state.claims.filter(isKept) });
  }

  hold(jobId: string, hold: number): Hold | null {
    return this.#cell.state.holds.find((known) => isSame(known, { jobId, hold })) ?? null;
  }

  nextHold(jobId: string): number {
    const { holds, listed } = this.#cell.state;
    const numbers = holds.filter((known) => known.jobId === jobId).map(({ hold }) => hold + 1);
    return Math.max(listed.includes(jobId) ? 1 : 0, ...numbers);
  }

  unfinished(): number {
    return this.#cell.state.holds.filter(({ isEnded }) => !isEnded).length;
  }

  unconfirmed(): Hold[] {
    return this.#cell.state.holds.filter(({ isConfirmed }) => !isConfirmed);
  }

  write(hold: Hold): void {
    const { state } = this.#cell;
    const isKnown = state.holds.some((known) => isSame(known, hold));
    const holds = isKnown
      ? state.holds.map((known) => (isSame(known, hold) ? hold : known))
      : [...state.holds, hold];
    this.#cell.change({ ...state, holds });
  }

  balance(): Balance {
    return this.#cell.state.balance;
  }

  append({ kind, credits, jobId, hold, reference, balance }: Entry): void {
    const { state } = this.#cell;
    const topups = reference === null ? state.topups : { ...state.topups, [reference]: credits };
    const name = `hold ${hold} of ${jobId}`;
    must(kind !== 'release' || !state.released.includes(name), () => `${name} ends twice`);
    const released = kind === 'release' ? [...state.released, name].sort() : state.released;
    this.#cell.change({ ...state, balance, topups, released });
  }

  topup(reference: string): number | null {
    return this.#cell.state.topups[reference] ?? null;
  }
}

function isSame(a: Pick<Hold, 'jobId' | 'hold'>, b: Pick<Hold, 'jobId' | 'hold'>): boolean {
  return a.hold === b.hold && a.jobId === b.jobId;
}
