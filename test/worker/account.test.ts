import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { AccountObject, type AccountSurroundings } from '../../src/job/account-object.ts';
import { heldStorage, type StorageHold } from './held-storage.ts';

/** The real object of an account in surroundings of the test's. */
class HeldAccountObject extends AccountObject<AccountSurroundings> {
  protected override surroundings(): AccountSurroundings {
    return this.env;
  }
}

/** An account in a real object's storage, whose alarm and clock are moved by hand. */
class FakeAccount implements StorageHold {
  alarm: number | null = null;
  readonly journal: string[] = [];
  onStatement = () => undefined;
  onSync = () => undefined;
  now = 1_000_000;
  startingCredits = 1000;
  /** What jobs say of their holds; an error where they do not answer. */
  readonly known = new Map<string, boolean | Error>();
  readonly #state: DurableObjectState;

  constructor(state: DurableObjectState) {
    this.#state = Object.create(state, {
      storage: { value: heldStorage(state.storage, this) },
      blockConcurrencyWhile: { value: (work: () => unknown) => work() },
    });
  }

  /** The object as it comes into memory. */
  async made(): Promise<HeldAccountObject> {
    const object = new HeldAccountObject(this.#state, {
      clock: () => this.now,
      unfinishedVideos: 3,
      startingCredits: this.startingCredits,
      knowsHold: async (jobId) => {
        const known = this.known.get(jobId) ?? false;
        if (known instanceof Error) throw known;
        return known;
      },
    });
    await scheduler.wait(0);
    return object;
  }
}

const price = { frames: 4, frameCredits: 5 };

function inAccount(test: (account: FakeAccount) => Promise<void>): Promise<void> {
  const stub = env.ACCOUNTS.get(env.ACCOUNTS.newUniqueId());
  return runInDurableObject(stub, (_, state) => test(new FakeAccount(state)));
}

it('an account that comes into memory looks into its holds, also where its alarm was lost', () =>
  inAccount(async (account) => {
    const first = await account.made();
    expect(account.alarm).toBeNull();
    await first.open('a', price);
    expect(account.alarm).toBe(account.now + 60_000);
    account.alarm = null;
    account.now += 100_000;
    const second = await account.made();
    expect(account.alarm).toBe(1_060_000);
    account.alarm = null;
    await second.alarm();
    expect(await second.hold('a', 0)).toMatchObject({ captured: 0, isEnded: true });
    expect(account.alarm).toBeNull();
  }));

it('a job that does not answer keeps no other hold from being looked into', () =>
  inAccount(async (account) => {
    const object = await account.made();
    for (const job of ['silent', 'there', 'gone']) await object.open(job, price);
    expect(await object.open('more', price)).toEqual({ refused: 'concurrency_limit' });
    account.known.set('silent', new Error('the object is overloaded')).set('there', true);
    account.now += 60_000;
    await expect(object.alarm()).rejects.toThrow('do not say');
    expect(await object.hold('there', 0)).toMatchObject({ isConfirmed: true, isEnded: false });
    expect(await object.hold('gone', 0)).toMatchObject({ isConfirmed: true, isEnded: true });
    expect(await object.hold('silent', 0)).toMatchObject({ isConfirmed: false, isEnded: false });
    expect(await object.page({ after: null, limit: 9, order: 'asc' })).toMatchObject({
      jobIds: ['silent', 'there'],
    });
    account.known.set('silent', false);
    await object.alarm();
    expect(await object.hold('silent', 0)).toMatchObject({ isEnded: true });
  }));

it('no number of a hold is given twice, whatever became of it', () =>
  inAccount(async (account) => {
    const object = await account.made();
    expect(await object.open('a', price)).toMatchObject({ hold: 0 });
    await object.settle('a', { settlements: [{ hold: 0, captured: 4, isFinal: true }], isGone: false });
    for (const hold of [1, 2, 3]) {
      expect(await object.open('a', price)).toEqual({ hold, openedAt: account.now, price });
      await object.drop('a', hold);
      expect(await object.hold('a', hold)).toMatchObject({ isEnded: true });
    }
    await object.settle('a', { settlements: [], isGone: true });
    expect(await object.open('a', price)).toMatchObject({ hold: 4 });
  }));

it('a hold of which the job has told is not dropped', () =>
  inAccount(async (account) => {
    const object = await account.made();
    await object.open('a', price);
    await object.settle('a', { settlements: [{ hold: 0, captured: 1, isFinal: false }], isGone: false });
    await object.drop('a', 0);
    expect(await object.hold('a', 0)).toMatchObject({ captured: 1, isEnded: false });
  }));

it('an account is given its first credits once, and nothing where none are configured', () =>
  inAccount(async (account) => {
    account.startingCredits = 0;
    const empty = await account.made();
    expect(await empty.open('a', price)).toEqual({ refused: 'insufficient_credits', availableCredits: 0 });
    account.startingCredits = 30;
    const object = await account.made();
    expect(await object.open('a', price)).toMatchObject({ hold: 0 });
    expect(await object.open('b', price)).toEqual({ refused: 'insufficient_credits', availableCredits: 10 });
    account.startingCredits = 5000;
    expect(await (await account.made()).balance()).toEqual({
      ...{ purchased: 30, available: 10, held: 20, spent: 0 },
    });
  }));

it('credits of one payment come once, however often the account is told of them', () =>
  inAccount(async (account) => {
    const object = await account.made();
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => object.credit('payment', 70)));
    expect(outcomes.filter((outcome) => outcome === 'entered')).toHaveLength(1);
    expect(await (await account.made()).credit('payment', 70)).toBe('known');
    expect(await object.credit('payment', 71)).toBe('other');
    expect(await object.balance()).toMatchObject({ purchased: 1070 });
  }));
