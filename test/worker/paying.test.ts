import { runInDurableObject, SELF } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import type { z } from 'zod';
import { localAccount } from '../../src/contract/access.ts';
import { Account, LedgerEntryList } from '../../src/contract/account.ts';
import { AccountStore } from '../../src/job/account-store.ts';
import { publicId } from '../../src/job/durable-job-directory.ts';
import { eventually } from '../eventually.ts';
import { authorized } from '../service-key.ts';
import { client, finished, small } from './service.ts';

vi.spyOn(console, 'error').mockImplementation(() => undefined);

/** What one frame of the small video costs. */
const frameCredits = async () => (await client.create({ ...small, frames: 1 })).cost.quoted;

describe('the price of a video', () => {
  it('is held when it is ordered, captured frame by frame, and the job and its events say so', async () => {
    const { id, cost } = await client.create(small);
    const total = 4 * (await frameCredits());
    expect(cost).toEqual({ quoted: total, held: total, captured: 0, released: 0 });
    for await (const event of client.follow(id)) {
      if (event.type !== 'progress') continue;
      const { committed, cost } = event.data;
      const captured = (committed * total) / 4;
      expect(cost).toEqual({ quoted: total, held: total - captured, captured, released: 0 });
    }
    expect((await finished(id)).cost).toEqual({ quoted: total, held: 0, captured: total, released: 0 });
  });

  it('of a cancelled video is that of its frames, the rest comes back; of an extension that of new frames', async () => {
    const each = await frameCredits();
    const { id } = await client.create({ ...small, frames: 400 });
    const { frames, cost } = await client.cancel(id);
    const made = frames.committed * each;
    expect(cost).toEqual({ quoted: 400 * each, held: 0, captured: made, released: 400 * each - made });
    await client.extend(id, { frames: 2 });
    const extended = await finished(id);
    expect(extended.cost).toEqual({
      quoted: 402 * each,
      held: 0,
      captured: made + 2 * each,
      released: 400 * each - made,
    });
  });

  it('of a fork is that of its own frames', async () => {
    const { id } = await client.create(small);
    await finished(id);
    const fork = await client.fork(id, { frame: 2, frames: 5 });
    expect(fork.cost.quoted).toBe(2 * (await frameCredits()));
    expect((await finished(fork.id)).cost.captured).toBe(fork.cost.quoted);
  });

  it('that is above the balance is refused, with what it is, what there is and the ways out', async () => {
    const account = env.ACCOUNTS.get(env.ACCOUNTS.idFromName(localAccount));
    const each = await frameCredits();
    const { available } = await account.balance();
    const other = publicId(env.JOBS.newUniqueId());
    await account.open(other, { frames: 1, frameCredits: available - each });
    const refused = { status: 402, code: 'insufficient_credits' };
    await expect(client.create(small)).rejects.toMatchObject({
      ...refused,
      message: `This costs ${4 * each} credits, ${each} for each of 4 frames, and ${each} are available; order fewer frames or decode steps, or top up with POST /v1/account/topup.`,
    });
    const { id } = await client.create({ ...small, frames: 1 });
    await finished(id);
    await expect(client.extend(id, { frames: 1 })).rejects.toMatchObject(refused);
    expect((await client.retrieve(id)).frames).toEqual({ requested: 1, committed: 1 });
    await account.drop(other, 0);
    expect(await client.extend(id, { frames: 1 })).toMatchObject({ frames: { requested: 2 } });
    await finished(id);
  });
});

it('the account shows every movement of a video, and its balance', async () => {
  const { id, cost } = await client.create(small);
  await finished(id);
  const get = async <Schema extends z.ZodType>(schema: Schema, path: string) =>
    schema.parse(
      await (await SELF.fetch(`http://service.invalid${path}`, { headers: authorized })).json(),
    ) as z.infer<Schema>;
  const own = async () => {
    const { data } = await get(LedgerEntryList, '/v1/account/ledger?limit=100');
    return data.filter(({ video }) => video === id).reverse();
  };
  await eventually(async () => expect((await own()).at(-1)?.kind).toBe('release'));
  const entries = await own();
  const sum = (kind: string) =>
    entries.filter((entry) => entry.kind === kind).reduce((total, { credits }) => total + credits, 0);
  expect([sum('hold'), sum('capture'), sum('release')]).toEqual([cost.quoted, cost.quoted, 0]);
  const { balance } = await get(Account, '/v1/account');
  expect(balance).toEqual((await get(LedgerEntryList, '/v1/account/ledger?limit=1')).data[0]?.balance);
  expect(balance.purchased).toBe(balance.available + balance.held + balance.spent);
});

describe('the ledger in storage', () => {
  const inLedger = (test: (store: AccountStore, sql: SqlStorage) => void) =>
    runInDurableObject(env.ACCOUNTS.get(env.ACCOUNTS.newUniqueId()), (_, { storage }) =>
      test(new AccountStore(storage), storage.sql),
    );
  const first = {
    ...{ kind: 'topup' as const, credits: 5, at: 1, jobId: null, hold: null, reference: 'a' },
    balance: { purchased: 5, available: 5, held: 0, spent: 0 },
  };

  it('takes no change and no deletion of an entry, and no reference twice', () =>
    inLedger((store, sql) => {
      store.append(first);
      for (const change of ['UPDATE entry SET credits = 6', 'DELETE FROM entry'])
        expect(() => sql.exec(change)).toThrow('entries are only added');
      expect(() => store.append(first)).toThrow('UNIQUE');
      expect(store.balance()).toEqual(first.balance);
      expect([store.topup('a'), store.topup('b')]).toEqual([5, null]);
    }));

  it('takes no entry after which credits would be missing, or less than nothing', () =>
    inLedger((store) => {
      for (const balance of [
        { purchased: 5, available: 4, held: 0, spent: 0 },
        { purchased: 5, available: -1, held: 0, spent: 6 },
        { purchased: 5, available: 6, held: -1, spent: 0 },
      ])
        expect(() => store.append({ ...first, balance })).toThrow('CHECK');
    }));
});
