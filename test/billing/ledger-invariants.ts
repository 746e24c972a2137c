import type { Hold } from '../../src/billing/holds.ts';
import { type Balance, type Entry, emptyBalance, postings } from '../../src/billing/ledger.ts';

/** What is wrong between an account's credits and its holds, or null. */
export function balanceProblem(balance: Balance, holds: readonly Hold[]): string | null {
  const { purchased, available, held, spent } = balance;
  const counts = JSON.stringify(balance);
  if (purchased !== available + held + spent) return `credits come from nowhere or are gone: ${counts}`;
  if (available < 0 || held < 0 || spent < 0) return `less than nothing: ${counts}`;
  const paid = holds.reduce((sum, hold) => sum + paidCredits(hold), 0);
  if (spent !== paid) return `${spent} credits are spent on frames that cost ${paid}`;
  const open = holds.filter(({ isEnded }) => !isEnded);
  const left = open.reduce((sum, hold) => sum + orderedCredits(hold) - paidCredits(hold), 0);
  return held === left ? null : `${held} credits are held for frames that cost ${left}`;
}

/** Credits of an order, worked out here anew and not by what is tested. */
function orderedCredits({ price }: Hold): number {
  return price.frames * price.frameCredits;
}

function paidCredits({ captured, price }: Hold): number {
  return captured * price.frameCredits;
}

/** What is wrong with a whole ledger and the holds that it tells of, or null. */
export function ledgerProblem(entries: readonly Entry[], holds: readonly Hold[]): string | null {
  const debits = { ...emptyBalance } as Record<keyof Balance, number>;
  const credits = { ...emptyBalance } as Record<keyof Balance, number>;
  for (const [index, entry] of entries.entries()) {
    const { debit, credit } = postings[entry.kind];
    debits[debit] += entry.credits;
    credits[credit] += entry.credits;
    const balance = {
      purchased: debits.purchased - credits.purchased,
      available: credits.available - debits.available,
      held: credits.held - debits.held,
      spent: credits.spent - debits.spent,
    };
    if (Object.keys(balance).some((account) => differs(account as keyof Balance, balance, entry)))
      return `entry ${index} says ${JSON.stringify(entry.balance)}, and the sums are ${JSON.stringify(balance)}`;
  }
  if (sum(debits) !== sum(credits)) return `${sum(debits)} debits, ${sum(credits)} credits`;
  return balanceProblem(entries.at(-1)?.balance ?? emptyBalance, holds) ?? holdsProblem(entries, holds);
}

function differs(account: keyof Balance, balance: Balance, entry: Entry): boolean {
  return balance[account] !== entry.balance[account];
}

function sum(amounts: Record<keyof Balance, number>): number {
  return Object.values(amounts).reduce((total, amount) => total + amount, 0);
}

/** Every hold begins once, and ends once where it has ended. */
function holdsProblem(entries: readonly Entry[], holds: readonly Hold[]): string | null {
  for (const hold of holds) {
    const own = entries.filter((entry) => entry.jobId === hold.jobId && entry.hold === hold.hold);
    const creditsOf = (kind: Entry['kind']) =>
      own.filter((entry) => entry.kind === kind).reduce((total, { credits }) => total + credits, 0);
    const name = `hold ${hold.hold} of ${hold.jobId}`;
    const begins = own.filter(({ kind }) => kind === 'hold').length;
    const ends = own.filter(({ kind }) => kind === 'release').length;
    if (begins !== 1) return `${name} begins ${begins} times`;
    if (ends !== Number(hold.isEnded)) return `${name}, ended: ${hold.isEnded}, ends ${ends} times`;
    if (creditsOf('capture') !== paidCredits(hold))
      return `${name} is charged ${creditsOf('capture')} credits`;
    const isBalanced = creditsOf('capture') + creditsOf('release') === orderedCredits(hold);
    if (hold.isEnded && !isBalanced) return `${name} ends with credits that are neither paid nor given back`;
  }
  return null;
}
