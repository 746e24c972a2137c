import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { localAccount } from '../../src/contract/access.ts';
import { publicId } from '../../src/job/durable-job-directory.ts';
import { encodePng } from '../../src/media/png.ts';
import { FakeIsolate } from './fake-isolate.ts';
import { calmVideo, type FakeJob, type FakeOrder, inObject, sampleSpec, videoHash } from './fake-job.ts';

vi.spyOn(console, 'error').mockImplementation(() => undefined);

/** A job's tables as they were first: never to be changed. */
const firstSchema = `
  CREATE TABLE job (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    spec TEXT NOT NULL, build TEXT NOT NULL, frame_multiply_adds INTEGER NOT NULL, first_frame BLOB,
    status TEXT NOT NULL, cursor INTEGER NOT NULL, attempts INTEGER NOT NULL, lease_until INTEGER NOT NULL,
    created_at INTEGER NOT NULL, completed_at INTEGER, error TEXT
  ) STRICT;
  CREATE TABLE frame (frame INTEGER PRIMARY KEY, png BLOB NOT NULL, latents BLOB NOT NULL) STRICT;
  CREATE TABLE key_value (
    frame INTEGER NOT NULL, tensor TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (frame, tensor, part)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;
  INSERT INTO schema_version VALUES (1);`;

interface OldJob {
  readonly status: string;
  readonly cursor: number;
  readonly seed: number;
  readonly interval: number;
  readonly completedAt?: number;
  readonly error?: object;
  readonly firstFrame?: Uint8Array;
}

const leaseUntil = 1_002_000;

/** A job in the tables of the first version, with the frames that the present engine makes. */
async function writeOld(job: FakeJob, old: OldJob): Promise<void> {
  const { sql } = job.storage;
  const { legs: _, ...spec } = sampleSpec;
  sql.exec(firstSchema);
  sql.exec(
    `INSERT INTO job VALUES (1, ?, 'build-1', 1000, ?, ?, ?, 1, ?, 1000000, ?, ?)`,
    JSON.stringify({ ...spec, seed: old.seed, interval: old.interval }),
    old.firstFrame ?? null,
    old.status,
    old.cursor,
    leaseUntil,
    old.completedAt ?? null,
    old.error === undefined ? null : JSON.stringify(old.error),
  );
  const { frames } = await calmVideo(orderOf(old));
  for (const { index, png, latents } of frames.slice(0, old.cursor)) {
    sql.exec('INSERT INTO frame VALUES (?, ?, ?)', index, png, new Uint8Array(latents.buffer));
    for (const tensor of ['k', 'v'])
      sql.exec('INSERT INTO key_value VALUES (?, ?, 0, zeroblob(256))', index, tensor);
  }
}

/** The same job as an order of today. */
function orderOf({ seed, interval, firstFrame }: OldJob): FakeOrder {
  return { legs: [{ from: 0, seed, interval }], ...(firstFrame && { firstFrame }) };
}

describe('a job of the first version', () => {
  for (const seed of [7, 2 ** 32, 2 ** 53 - 1]) {
    it(`in flight, of seed ${seed}, wakes, goes on where it was and gives the same video`, () =>
      inObject(async (job) => {
        const old = { status: 'in_progress', cursor: 3, seed, interval: 2 };
        await writeOld(job, old);
        const isolate = new FakeIsolate(2);
        isolate.now = leaseUntil - 1000;
        await job.in(isolate);
        expect(job.alarm).toBe(isolate.now);
        expect(job.record).toMatchObject({
          status: 'in_progress',
          cursor: 3,
          attempts: 1,
          spec: { ...sampleSpec, legs: [{ from: 0, seed, interval: 2 }] },
        });
        await job.run(isolate);
        expect(isolate.backend.begun).toEqual([3, 4, 5, 6, 7, 8]);
        expect(job.record.status).toBe('completed');
        expect(await job.videoHash()).toBe(await videoHash((await calmVideo(orderOf(old))).frames));
        expect(job.account.hold(0)).toMatchObject({ captured: 9, isEnded: true });
      }));
  }

  it('in flight with a given first frame does not pay for that', () =>
    inObject(async (job) => {
      const firstFrame = encodePng({ width: 8, height: 6, channels: 4, pixels: new Uint8Array(192).fill(3) });
      const old = { status: 'in_progress', cursor: 3, seed: 7, interval: 1, firstFrame };
      await writeOld(job, old);
      const isolate = new FakeIsolate(2);
      await job.in(isolate);
      await job.run(isolate);
      expect(job.account.hold(0)).toMatchObject({ captured: 8, isEnded: true });
      expect(await job.videoHash()).toBe(await videoHash((await calmVideo(orderOf(old))).frames));
    }));

  it('that waits for its first frame makes all', () =>
    inObject(async (job) => {
      await writeOld(job, { status: 'queued', cursor: 0, seed: 7, interval: 1 });
      const isolate = new FakeIsolate(100);
      await job.in(isolate);
      await job.run(isolate);
      expect(job.record).toMatchObject({ status: 'completed', cursor: 9 });
    }));

  it('that is completed stays so, tells the account, can be extended and expires', () =>
    inObject(async (job) => {
      const old = { status: 'completed', cursor: 9, seed: 7, interval: 1, completedAt: 1_500_000 };
      await writeOld(job, old);
      const isolate = new FakeIsolate(100);
      await job.in(isolate);
      const before = await job.videoHash();
      await job.run(isolate);
      const thirtyDays = 30 * 86_400_000;
      expect(job.record).toMatchObject({ status: 'completed', expiresAt: 1_500_000 + thirtyDays });
      expect(job.alarm).toBe(1_500_000 + thirtyDays);
      expect(job.account.hold(0)).toMatchObject({ captured: 9, isEnded: true });
      expect(await job.videoHash()).toBe(before);
      await job.command(isolate, { kind: 'extend', from: 9, frames: 11 });
      await job.run(isolate);
      expect(isolate.backend.begun).toEqual([9, 10]);
      expect(await job.videoHash()).toBe(
        await videoHash((await calmVideo({ ...orderOf(old), frames: 11 })).frames),
      );
      isolate.now = job.alarm as number;
      await job.wake(isolate);
      expect(job.record.status).toBe('expired');
    }));

  it('that failed stays so, with its frames and its error', () =>
    inObject(async (job) => {
      const error = { code: 'model_gone', message: 'gone' };
      await writeOld(job, { status: 'failed', cursor: 4, seed: 7, interval: 1, error });
      const isolate = new FakeIsolate(100);
      await job.in(isolate);
      await job.run(isolate);
      expect(job.record).toMatchObject({ status: 'failed', cursor: 4, error, completedAt: leaseUntil });
      expect(job.frames().length).toBe(4);
      expect(isolate.backend.passes).toBe(0);
      expect(job.account.hold(0)).toMatchObject({ captured: 4, isEnded: true });
    }));

  it('belongs to the account that there was, and to no other', () =>
    inObject(async (job) => {
      await writeOld(job, { status: 'completed', cursor: 9, seed: 7, interval: 1 });
      const object = await job.in(new FakeIsolate(100));
      expect(job.record.account).toBe('local');
      expect(await object.view(localAccount)).toMatchObject({ status: 'completed' });
      const asStranger = [
        object.view('other'),
        object.frames('other', 0, 9),
        object.sharedFrames('other', 0, 9),
        object.news('other', 0, null, 0),
        object.command('other', { kind: 'cancel' }),
      ];
      expect(await Promise.all(asStranger)).toEqual([null, null, null, null, null]);
      expect(await object.remove('other')).toBe(false);
      expect(job.record.status).toBe('completed');
    }));

  it('is migrated once, whatever comes first', () =>
    inObject(async (job) => {
      await writeOld(job, { status: 'completed', cursor: 9, seed: 7, interval: 1 });
      const isolate = new FakeIsolate(100);
      const object = await job.in(isolate);
      const view = await object.view(localAccount);
      expect(view).toMatchObject({ status: 'completed', committedFrames: 9, source: null });
      expect(await (await job.evict(isolate)).view(localAccount)).toEqual(view);
    }));
});

/** A job's tables as they were in the second version: never to be changed. */
const secondSchema = {
  job: `(one INTEGER PRIMARY KEY CHECK (one = 1),
    spec TEXT NOT NULL, build TEXT NOT NULL, frame_multiply_adds INTEGER NOT NULL, source TEXT, first_frame BLOB,
    status TEXT NOT NULL, cursor INTEGER NOT NULL, attempts INTEGER NOT NULL, epoch INTEGER NOT NULL,
    hold INTEGER NOT NULL, wake_at INTEGER, created_at INTEGER NOT NULL, completed_at INTEGER,
    expires_at INTEGER, is_gone_heard INTEGER NOT NULL, error TEXT) STRICT`,
  frame: '(frame INTEGER PRIMARY KEY, png BLOB NOT NULL, latents BLOB NOT NULL) STRICT',
  key_value: `(frame INTEGER NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (frame, part))
    STRICT, WITHOUT ROWID`,
  partial: '(frame INTEGER NOT NULL, decode_steps INTEGER NOT NULL, latents BLOB NOT NULL) STRICT',
  settlement: `(hold INTEGER PRIMARY KEY, captured INTEGER NOT NULL, is_final INTEGER NOT NULL,
    heard_captured INTEGER NOT NULL, heard_final INTEGER NOT NULL) STRICT`,
};

/** Puts a job back into the tables of the second version, and its object goes from memory. */
async function broughtBack(job: FakeJob, isolate: FakeIsolate): Promise<void> {
  const { sql } = job.storage;
  for (const [table, definition] of Object.entries(secondSchema)) {
    const names = definition.match(/\b[a-z_]+(?= (?:INTEGER|TEXT|BLOB))/g)?.join(', ');
    sql.exec(`ALTER TABLE ${table} RENAME TO later_${table}`);
    sql.exec(`CREATE TABLE ${table} ${definition}`);
    sql.exec(`INSERT INTO ${table} (${names}) SELECT ${names} FROM later_${table}`);
    sql.exec(`DROP TABLE later_${table}`);
  }
  sql.exec(`UPDATE job SET spec = json_remove(spec, '$.firstFrameSampling')`);
  sql.exec('UPDATE schema_version SET version = 2');
  await job.evict(isolate);
}

describe('a job of the second version', () => {
  it('in flight goes on from its stored K and V', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      await job.create(isolate);
      await job.wake(isolate);
      await broughtBack(job, isolate);
      expect(job.record).toMatchObject({ status: 'in_progress', cursor: 4, pastCursor: 4 });
      await job.run(isolate);
      expect(isolate.backend.replayed).toEqual([]);
      expect(await job.videoHash()).toBe(await videoHash((await calmVideo()).frames));
    }));

  it('in the midst of a frame goes on in it', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(0.4);
      await job.create(isolate);
      for (let wake = 0; wake < 5; wake++) await job.wake(isolate);
      await broughtBack(job, isolate);
      expect(job.store.partial()).toMatchObject({ index: 1, decodeSteps: 2 });
      await job.run(isolate);
      expect(isolate.backend.passes).toBe(9 * 3);
      expect(await job.videoHash()).toBe(await videoHash((await calmVideo()).frames));
    }));

  it('draws its first frame as the others, to the last digit of the temperature', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      const temperature = 0.1 + 0.2;
      await job.create(isolate, { decodeSteps: 3, temperature });
      await broughtBack(job, isolate);
      expect(job.record).toMatchObject({
        spec: { firstFrameSampling: { decodeSteps: 3, headSteps: 3, temperature } },
        firstFrameMultiplyAdds: job.record.frameMultiplyAdds,
      });
      await job.run(isolate);
      const expected = await calmVideo({ decodeSteps: 3, temperature });
      expect(await job.videoHash()).toBe(await videoHash(expected.frames));
    }));

  it('that is a fork without K and V makes them', async () => {
    const { frames } = await calmVideo();
    await inObject(async (job) => {
      const isolate = new FakeIsolate(4);
      job.sources.set('video_source', frames);
      await job.create(isolate, { source: { id: 'video_source', frames: 7 } });
      await job.wake(isolate);
      await broughtBack(job, isolate);
      await job.run(isolate);
      expect(isolate.backend.replayed).toEqual([0, 3, 4, 5, 6]);
      expect(await job.videoHash()).toBe(await videoHash(frames));
    });
  });
});

const price = { frames: 4, frameCredits: 5 };

describe('an account of the first version', () => {
  it('keeps its list, and takes more', async () => {
    const ids = Array.from({ length: 3 }, () => publicId(env.JOBS.newUniqueId()));
    const account = env.ACCOUNTS.get(env.ACCOUNTS.newUniqueId());
    await runInDurableObject(account, async (_, { storage }) => {
      await storage.deleteAll();
      storage.sql.exec(
        'CREATE TABLE job (position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE) STRICT',
      );
      for (const id of ids) storage.sql.exec('INSERT INTO job (id) VALUES (?)', id);
    });
    await evictDurableObject(account);
    const page = () => account.page({ after: null, limit: 10, order: 'asc' });
    expect(await page()).toEqual({ jobIds: ids, hasMore: false });
    const next = publicId(env.JOBS.newUniqueId());
    expect(await account.open(next, price)).toMatchObject({ hold: 0 });
    // Hold 0 of a job in the list is taken, whether it has told of it or not.
    expect(await account.open(ids[1] as string, price)).toMatchObject({ hold: 1 });
    expect(await page()).toEqual({ jobIds: [...ids, next], hasMore: false });
    // A job of the first version tells of a hold that the account has never opened.
    await account.settle(ids[0] as string, {
      settlements: [{ hold: 0, captured: 4, isFinal: true }],
      isGone: false,
    });
    expect(await account.hold(ids[0] as string, 0)).toMatchObject({ captured: 4, isEnded: true });
  });
});

it('holds of the second version cost nothing, and go on', async () => {
  const account = env.ACCOUNTS.get(env.ACCOUNTS.newUniqueId());
  await runInDurableObject(account, async (_, { storage }) => {
    await storage.deleteAll();
    storage.sql.exec(
      `CREATE TABLE job (position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE) STRICT;
       CREATE TABLE hold (
         job TEXT NOT NULL, hold INTEGER NOT NULL, opened_at INTEGER NOT NULL, is_confirmed INTEGER NOT NULL,
         captured INTEGER NOT NULL, is_ended INTEGER NOT NULL, PRIMARY KEY (job, hold)
       ) STRICT, WITHOUT ROWID;
       CREATE INDEX unfinished ON hold (is_ended) WHERE is_ended = 0;
       CREATE INDEX unconfirmed ON hold (is_confirmed) WHERE is_confirmed = 0;
       INSERT INTO job (id) VALUES ('a'), ('b');
       INSERT INTO hold VALUES ('a', 0, 1, 1, 5, 0), ('b', 0, 1, 1, 9, 1);
       CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;
       INSERT INTO schema_version VALUES (2);`,
    );
  });
  await evictDurableObject(account);
  const { purchased } = await account.balance();
  const told = (captured: number, isFinal: boolean) =>
    account.settle('a', { settlements: [{ hold: 0, captured, isFinal }], isGone: false });
  await told(7, false);
  expect(await account.hold('a', 0)).toMatchObject({ captured: 7, isEnded: false });
  await told(9, true);
  await told(9, true);
  expect(await account.hold('a', 0)).toMatchObject({ captured: 9, isEnded: true });
  expect(await account.hold('b', 0)).toMatchObject({ captured: 9, isEnded: true });
  expect(await account.balance()).toEqual({ purchased, available: purchased, held: 0, spent: 0 });
  expect(await account.open('a', price)).toMatchObject({ hold: 1, price });
  expect(await account.balance()).toMatchObject({ held: 20 });
});
