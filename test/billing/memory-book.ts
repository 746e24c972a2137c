import type { Claim, ClaimBook } from '../../src/billing/claims.ts';
import type { Hold } from '../../src/billing/holds.ts';
import { type Balance, type Entry, emptyBalance } from '../../src/billing/ledger.ts';

/** The storage of an account in memory. */
export class MemoryBook implements ClaimBook {
  readonly listed = new Set<string>();
  readonly entries: Entry[] = [];
  claims: Claim[] = [];
  readonly #holds = new Map<string, Hold>();

  get holds(): Hold[] {
    return [...this.#holds.values()];
  }

  hold(jobId: string, hold: number): Hold | null {
    return this.#holds.get(`${jobId} ${hold}`) ?? null;
  }

  nextHold(jobId: string): number {
    const numbers = this.holds.filter((known) => known.jobId === jobId).map(({ hold }) => hold + 1);
    return Math.max(this.listed.has(jobId) ? 1 : 0, ...numbers);
  }

  unfinished(): number {
    return this.holds.filter(({ isEnded }) => !isEnded).length;
  }

  unconfirmed(): Hold[] {
    return this.holds.filter(({ isConfirmed }) => !isConfirmed);
  }

  write(hold: Hold): void {
    this.#holds.set(`${hold.jobId} ${hold.hold}`, hold);
  }

  list(jobId: string): void {
    this.listed.add(jobId);
  }

  unlist(jobId: string): void {
    this.listed.delete(jobId);
    this.claims = this.claims.filter((claim) => claim.jobId !== jobId || claim.key !== null);
  }

  claim(key: string): Claim | null {
    return this.claims.find((claim) => claim.key === key) ?? null;
  }

  lastClaim(request: string): Claim | null {
    return this.claims.findLast((claim) => claim.request === request && claim.key === null) ?? null;
  }

  writeClaim(claim: Claim): void {
    const others = this.claims.filter(({ key }) => key === null || key !== claim.key);
    this.claims = [...others, claim];
  }

  unclaim(jobId: string, hold: number): void {
    this.claims = this.claims.filter((claim) => claim.jobId !== jobId || claim.hold !== hold);
  }

  forgetClaims({ withKey, withoutKey }: { readonly withKey: number; readonly withoutKey: number }): void {
    this.claims = this.claims.filter(
      ({ key, claimedAt }) => claimedAt >= (key === null ? withoutKey : withKey),
    );
  }

  balance(): Balance {
    return this.entries.at(-1)?.balance ?? emptyBalance;
  }

  append(entry: Entry): void {
    this.entries.push(entry);
  }

  topup(reference: string): number | null {
    return this.entries.find((entry) => entry.reference === reference)?.credits ?? null;
  }
}
