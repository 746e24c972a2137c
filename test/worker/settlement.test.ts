import { describe, expect, it, vi } from 'vitest';
import { localAccount } from '../../src/contract/access.ts';
import { encodePng } from '../../src/media/png.ts';
import { expiryMs, FakeIsolate } from './fake-isolate.ts';
import { calmVideo, type FakeJob, inObject } from './fake-job.ts';

vi.spyOn(console, 'error').mockImplementation(() => undefined);

/** What the account knows of a hold. */
const known = ({ account }: FakeJob, hold = 0) => {
  const found = account.hold(hold);
  return found && { captured: found.captured, isEnded: found.isEnded };
};

/** Names of tables that are left, and rows of those that hold a video. */
function storedRows({ storage }: FakeJob): Record<string, number> {
  const tables = ['job', 'frame', 'key_value', 'partial', 'settlement'];
  const count = (table: string) =>
    storage.sql.exec<{ count: number }>(`SELECT count(*) AS count FROM ${table}`).one().count;
  return Object.fromEntries(tables.map((table) => [table, count(table)]));
}

describe('the account', () => {
  it('hears after every wake what was made, and the end once', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await job.create(isolate);
      const heard: unknown[] = [];
      await job.run(isolate, () => heard.push(known(job)));
      expect(heard).toEqual([
        { captured: 4, isEnded: false },
        { captured: 8, isEnded: false },
        { captured: 9, isEnded: true },
      ]);
      expect(job.account.heard.length).toBe(3);
    }));

  it('does not pay for a given first frame', () =>
    inObject(async (job) => {
      const firstFrame = encodePng({ width: 8, height: 6, channels: 4, pixels: new Uint8Array(192).fill(9) });
      const isolate = new FakeIsolate(4);
      await job.create(isolate, { firstFrame });
      await job.run(isolate);
      expect(known(job)).toEqual({ captured: 8, isEnded: true });
    }));

  it('does not pay for the shared frames of a fork', async () => {
    const { frames } = await calmVideo();
    await inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      job.sources.set('video_source', frames);
      await job.create(isolate, { source: { id: 'video_source', frames: 5 } });
      await job.run(isolate);
      expect(known(job)).toEqual({ captured: 4, isEnded: true });
    });
  });

  it('pays an extension under a hold of its own', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      await job.create(isolate, { frames: 4 });
      await job.run(isolate);
      await job.command(isolate, { kind: 'extend', from: 4, frames: 9 });
      await job.run(isolate);
      expect([known(job, 0), known(job, 1)]).toEqual([
        { captured: 4, isEnded: true },
        { captured: 5, isEnded: true },
      ]);
    }));

  it('pays for the frames of a failed and of a cancelled video, and no more', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(3);
      isolate.backend.faults.beforeFrame = (index) => {
        if (index === 5) throw new Error('poisoned');
      };
      await job.create(isolate);
      await job.run(isolate);
      expect(known(job)).toEqual({ captured: 5, isEnded: true });
      await job.command(isolate, { kind: 'extend', from: 5, frames: 9 });
      await job.command(isolate, { kind: 'cancel' });
      await job.run(isolate);
      expect(known(job, 1)).toEqual({ captured: 0, isEnded: true });
    }));

  it('keeps the hold of a paused video', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await job.create(isolate);
      await job.wake(isolate);
      await job.command(isolate, { kind: 'pause' });
      await job.run(isolate);
      expect(known(job)).toEqual({ captured: 4, isEnded: false });
    }));
});

describe('an account that cannot be reached', () => {
  it('at the end is told later, every ten seconds, and the video is finished all the same', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      job.account.isUnreachable = true;
      await job.create(isolate);
      await job.wake(isolate);
      expect(job.record.status).toBe('completed');
      const end = isolate.now;
      for (let tries = 1; tries <= 3; tries++) {
        expect(job.alarm).toBe(end + tries * 10_000);
        isolate.now = job.alarm as number;
        if (tries === 3) job.account.isUnreachable = false;
        await job.wake(isolate);
      }
      expect(known(job)).toEqual({ captured: 9, isEnded: true });
      expect(job.alarm).toBe(end + expiryMs);
    }));

  it('between wakes does not hold the frames up', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(2);
      job.account.isUnreachable = true;
      await job.create(isolate);
      for (let wake = 0; wake < 4; wake++) await job.wake(isolate);
      expect(job.record.cursor).toBe(8);
      expect(known(job)).toBeNull();
      job.account.isUnreachable = false;
      await job.run(isolate);
      expect(job.account.heard).toMatchObject([
        { settlements: [{ hold: 0, captured: 9, isFinal: true }], isGone: false },
      ]);
    }));

  it('is told of the hold before the extension and of the one after, together', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      job.account.isUnreachable = true;
      await job.create(isolate, { frames: 4 });
      await job.wake(isolate);
      await job.command(isolate, { kind: 'extend', from: 4, frames: 9 });
      job.account.isUnreachable = false;
      await job.run(isolate);
      expect([known(job, 0), known(job, 1)]).toEqual([
        { captured: 4, isEnded: true },
        { captured: 5, isEnded: true },
      ]);
    }));
});

it('messages that come twice, late or in another order change nothing', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(2);
    await job.create(isolate);
    await job.run(isolate);
    const settled = known(job);
    for (const message of [...job.account.heard].reverse()) {
      job.account.settle(message);
      job.account.settle(message);
      expect(known(job)).toEqual(settled);
    }
  }));

describe('removing', () => {
  it('deletes the frames at once, and everything once the account has heard', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await job.create(isolate);
      await job.wake(isolate);
      job.account.isUnreachable = true;
      await (await job.in(isolate)).remove(localAccount);
      expect(storedRows(job)).toEqual({ job: 1, frame: 0, key_value: 0, partial: 0, settlement: 1 });
      expect(await (await job.in(isolate)).view(localAccount)).toBeNull();
      await job.wake(isolate);
      expect(job.alarm).toBe(isolate.now + 10_000);
      job.account.isUnreachable = false;
      await job.wake(isolate);
      expect(known(job)).toEqual({ captured: 4, isEnded: true });
      expect(job.account.isListed).toBe(false);
      const tables = job.storage.sql.exec(
        "SELECT 1 FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'",
      );
      expect(tables.toArray()).toEqual([]);
      expect(job.alarm).toBeNull();
    }));
});

describe('a video that nobody removes', () => {
  for (const [what, end] of [
    ['completed', async () => undefined],
    ['cancelled', (job, isolate) => job.command(isolate, { kind: 'cancel' })],
    ['paused', (job, isolate) => job.command(isolate, { kind: 'pause' })],
  ] as [string, (job: FakeJob, isolate: FakeIsolate) => Promise<unknown>][]) {
    it(`expires after its time when it is ${what}: its frames are deleted, its address still answers`, () =>
      inObject(async (job) => {
        const isolate = new FakeIsolate(4);
        await job.create(isolate);
        await (what === 'completed' ? job.run(isolate) : job.wake(isolate));
        await end(job, isolate);
        await job.run(isolate);
        expect(job.record.status).toBe(what);
        expect(job.alarm).toBe(isolate.now + expiryMs);
        isolate.now += expiryMs - 1;
        await job.wake(isolate);
        expect(job.record.status).toBe(what);
        isolate.now += 1;
        await job.wake(isolate);
        expect(storedRows(job)).toEqual({ job: 1, frame: 0, key_value: 0, partial: 0, settlement: 1 });
        const object = await job.in(isolate);
        expect([
          await object.view(localAccount),
          await object.frames(localAccount, 0, 1),
          await object.sharedFrames(localAccount, 0, 1),
        ]).toEqual(['expired', 'expired', null]);
        expect(await job.command(isolate, { kind: 'extend', from: 9, frames: 10 })).toBe('expired');
        expect(known(job)).toMatchObject({ isEnded: true });
        expect(job.account.isListed).toBe(false);
        expect(job.alarm).toBeNull();
      }));
  }

  it('is told to the account later where that cannot be reached', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(100);
      await job.create(isolate);
      await job.run(isolate);
      job.account.isUnreachable = true;
      isolate.now = job.alarm as number;
      await job.wake(isolate);
      expect(job.alarm).toBe(isolate.now + 10_000);
      job.account.isUnreachable = false;
      await job.wake(isolate);
      expect(job.account.isListed).toBe(false);
      expect(job.alarm).toBeNull();
      expect(job.record.status).toBe('expired');
    }));
});
