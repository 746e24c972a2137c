import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AccountBook, confirmHold, openHold, settleHolds } from '../../src/billing/holds.ts';
import { topUp } from '../../src/billing/ledger.ts';
import { MemoryBook } from './memory-book.ts';
import { History, RandomHistory } from './random-history.ts';

const histories = 10_000;

const price = { frames: 6, frameCredits: 10 };
const order = { jobId: 'job', price, now: 7, maximum: 10 };

function accountWith(credits: number): MemoryBook {
  const book = new MemoryBook();
  topUp(book, { reference: 'first', credits, now: 1 });
  return book;
}

/** What the job tells of its hold. */
const told = (captured: number, isFinal = false, hold = 0) => ({
  settlements: [{ hold, captured, isFinal }],
  isGone: false,
});

describe('a hold', () => {
  it('sets the whole price aside, and is refused with what there is where that is too little', () => {
    const book = accountWith(100);
    expect(openHold(book, order)).toMatchObject({ hold: 0, price, captured: 0, isEnded: false });
    expect(book.balance()).toEqual({ purchased: 100, available: 40, held: 60, spent: 0 });
    expect(openHold(book, order)).toEqual({ refused: 'insufficient_credits', availableCredits: 40 });
    expect(openHold(book, { ...order, price: { ...price, frames: 4 } })).toMatchObject({ hold: 1 });
    expect(book.balance().available).toBe(0);
  });

  it('is charged for the largest count that the job told, and gives the rest back at its end', () => {
    const book = accountWith(100);
    openHold(book, order);
    for (const message of [told(2), told(2), told(1), told(4), told(2)]) settleHolds(book, 'job', message, 8);
    expect(book.balance()).toEqual({ purchased: 100, available: 40, held: 20, spent: 40 });
    settleHolds(book, 'job', told(5, true), 9);
    for (const message of [told(4), told(5, true), told(6)]) settleHolds(book, 'job', message, 10);
    expect(book.balance()).toEqual({ purchased: 100, available: 50, held: 0, spent: 50 });
    expect(book.entries.map(({ kind, credits, at }) => [kind, credits, at])).toEqual([
      ['topup', 100, 1],
      ['hold', 60, 7],
      ['capture', 20, 8],
      ['capture', 20, 8],
      ['capture', 10, 9],
      ['release', 10, 9],
    ]);
  });

  it('that came to nothing gives everything back, once', () => {
    const book = accountWith(100);
    openHold(book, order);
    for (let time = 0; time < 3; time++) confirmHold(book, { jobId: 'job', hold: 0 }, false, 8);
    expect(book.balance()).toEqual({ purchased: 100, available: 100, held: 0, spent: 0 });
    expect(book.entries.filter(({ kind }) => kind === 'release')).toHaveLength(1);
  });

  it('of the time before credits costs nothing, whatever is made for it', () => {
    const book = accountWith(100);
    settleHolds(book, 'old', told(4), 8);
    settleHolds(book, 'old', told(9, true), 8);
    expect(book.hold('old', 0)).toMatchObject({ captured: 9, isEnded: true });
    expect(book.balance()).toEqual({ purchased: 100, available: 100, held: 0, spent: 0 });
  });

  it('is never charged more than was held', () => {
    const book = accountWith(100);
    openHold(book, order);
    settleHolds(book, 'job', told(1000, true), 8);
    expect(book.balance()).toEqual({ purchased: 100, available: 40, held: 0, spent: 60 });
  });
});

describe('a top-up', () => {
  it('counts once under its reference, and says where it was of other credits', () => {
    const book = accountWith(100);
    const again = (credits: number) => topUp(book, { reference: 'first', credits, now: 2 });
    expect([again(100), again(50), again(100)]).toEqual(['known', 'other', 'known']);
    expect(topUp(book, { reference: 'second', credits: 5, now: 2 })).toBe('entered');
    expect(book.balance().purchased).toBe(105);
  });

  it('of half a credit, or of less than nothing, is a bug', () => {
    for (const credits of [0.5, -1, Number.NaN, 2 ** 53])
      expect(() => topUp(new MemoryBook(), { reference: 'odd', credits, now: 2 })).toThrow(RangeError);
  });
});

type Settle = typeof settleHolds;

const property = (settle?: Settle) =>
  fc.property(History, (history) => new RandomHistory(settle).live(history));

it(`in ${histories} random histories debits equal credits, and exactly what was made is paid`, () => {
  fc.assert(property(), { numRuns: histories });
});

/** Changes the count of every message. */
const recounted =
  (count: (known: number, captured: number, ordered: number, isFinal: boolean) => number): Settle =>
  (book, jobId, { settlements, isGone }, now) => {
    const changed = settlements.map((one) => {
      const known = book.hold(jobId, one.hold);
      const ordered = known?.price.frames ?? 0;
      return { ...one, captured: count(known?.captured ?? 0, one.captured, ordered, one.isFinal) };
    });
    settleHolds(book, jobId, { settlements: changed, isGone }, now);
  };

/** Changes what is known of a hold before each message. */
const forgetful =
  (forget: (known: ReturnType<AccountBook['hold']> & object, captured: number) => object): Settle =>
  (book, jobId, message, now) => {
    for (const { hold, captured } of message.settlements) {
      const known = book.hold(jobId, hold);
      if (known !== null) book.write({ ...known, ...forget(known, captured) });
    }
    settleHolds(book, jobId, message, now);
  };

describe('the random histories notice that', () => {
  it.each<[string, Settle]>([
    ['captures are added up', recounted((known, captured) => known + captured)],
    ['what ends early is paid in full', recounted((_, told, ordered, isFinal) => (isFinal ? ordered : told))],
    ['the last message is taken for the truth', forgetful((_, captured) => ({ captured }))],
    ['a hold ends again', forgetful(() => ({ isEnded: false }))],
    [
      'what is left is forgotten',
      (book, id, { settlements }, now) =>
        settleHolds(
          book,
          id,
          { settlements: settlements.map((one) => ({ ...one, isFinal: false })), isGone: false },
          now,
        ),
    ],
  ])('%s', (_, settle) => {
    expect(fc.check(property(settle), { numRuns: histories }).failed).toBe(true);
  });
});
