import { beforeEach, describe, expect, it } from 'vitest';
import { claimHold, noteAnswer, recalled, type Ticket } from '../../src/billing/claims.ts';
import { confirmHold, settleHolds } from '../../src/billing/holds.ts';
import { topUp } from '../../src/billing/ledger.ts';
import { MemoryBook } from './memory-book.ts';

const price = { frames: 4, frameCredits: 5 };
const minute = 60_000;
const day = 24 * 60 * minute;

const ticket: Ticket = { key: 'k', request: 'r', isRepeated: false };
const repeated: Ticket = { key: null, request: 'r', isRepeated: true };

let book: MemoryBook;

beforeEach(() => {
  book = new MemoryBook();
  topUp(book, { reference: 'all', credits: 1000, now: 0 });
});

const open = (jobId: string, by: Ticket | null, now = 0, maximum = 9) =>
  claimHold(book, { jobId, price, now, maximum }, by);

describe('a claim', () => {
  it('opens one hold for a key, whatever comes under it', () => {
    expect(open('a', ticket)).toMatchObject({ jobId: 'a', hold: 0 });
    for (const request of ['r', 'other'])
      expect(open('b', { ...ticket, request })).toEqual({ refused: 'claimed' });
    expect(book.holds).toHaveLength(1);
    expect(book.balance()).toMatchObject({ held: 20 });
  });

  it('is not made where there is no hold', () => {
    expect(open('a', ticket, 0, 0)).toEqual({ refused: 'concurrency_limit' });
    expect(recalled(book, ticket, 0)).toBeNull();
    expect(open('a', ticket)).toMatchObject({ hold: 0 });
  });

  it('is given up 35 seconds after its hold was opened, not before', () => {
    open('a', ticket, 1000);
    const pending = { state: 'pending', jobId: 'a', hold: 0, isUsed: false };
    expect(recalled(book, ticket, 36_000)).toEqual({ ...pending, isGivenUp: false });
    expect(recalled(book, ticket, 36_001)).toEqual({ ...pending, isGivenUp: true });
  });

  it('goes with the hold of an order that came to nothing, and stays with one that is used', () => {
    open('a', ticket);
    confirmHold(book, { jobId: 'a', hold: 0 }, false, 1);
    expect(recalled(book, ticket, 1)).toBeNull();
    expect(open('b', ticket, 2)).toMatchObject({ jobId: 'b' });
    confirmHold(book, { jobId: 'b', hold: 0 }, true, 3);
    confirmHold(book, { jobId: 'b', hold: 0 }, false, 4);
    expect(recalled(book, ticket, 4)).toMatchObject({ jobId: 'b', isUsed: true });
  });

  it('keeps its first answer, and takes none of another order', () => {
    open('a', ticket);
    const order = { key: 'k', jobId: 'a', hold: 0 };
    expect(noteAnswer(book, { ...order, hold: 1 }, 'of another hold')).toBe('of another hold');
    expect(noteAnswer(book, order, 'first')).toBe('first');
    expect(noteAnswer(book, order, 'second')).toBe('first');
    expect(recalled(book, ticket, 0)).toEqual({ state: 'answered', answer: 'first' });
    expect(recalled(book, { ...ticket, request: 'other' }, 0)).toEqual({ state: 'reused' });
  });

  it('is kept for a day under a key, and for ten minutes without', () => {
    open('a', ticket);
    open('b', { ...repeated, isRepeated: false });
    expect(recalled(book, repeated, 10 * minute)).toMatchObject({ jobId: 'b' });
    expect(recalled(book, repeated, 10 * minute + 1)).toBeNull();
    expect(recalled(book, ticket, day)).toMatchObject({ jobId: 'a' });
    expect(recalled(book, ticket, day + 1)).toBeNull();
    open('c', { ...ticket, key: 'other' }, day + 1);
    expect(book.claims.map(({ jobId }) => jobId)).toEqual(['c']);
  });
});

describe('an order without a key', () => {
  it('is a new one, unless its client says that it repeats itself', () => {
    const first = { ...repeated, isRepeated: false };
    expect(recalled(book, repeated, 0)).toBeNull();
    expect(open('a', first)).toMatchObject({ jobId: 'a' });
    expect(recalled(book, first, 0)).toBeNull();
    expect(open('b', first)).toMatchObject({ jobId: 'b' });
    expect(recalled(book, repeated, 0)).toMatchObject({ jobId: 'b' });
    expect(open('c', repeated)).toEqual({ refused: 'claimed' });
    expect(recalled(book, { ...repeated, request: 'other' }, 0)).toBeNull();
  });

  it('is not taken for one under a key', () => {
    open('a', ticket);
    expect(recalled(book, repeated, 0)).toBeNull();
  });

  it('is forgotten with its video', () => {
    open('a', { ...repeated, isRepeated: false });
    open('b', ticket);
    for (const id of ['a', 'b']) settleHolds(book, id, { settlements: [], isGone: true }, 1);
    expect(recalled(book, repeated, 1)).toBeNull();
    expect(recalled(book, ticket, 1)).toMatchObject({ jobId: 'b' });
  });
});
