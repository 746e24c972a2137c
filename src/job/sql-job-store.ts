import type { Price } from '../billing/price.ts';
import { limits } from '../contract/config.ts';
import type { StoredFrame } from '../contract/frame.ts';
import { JobError, JobSpec, JobStatus } from '../contract/job.ts';
import { Delivery } from '../contract/webhook.ts';
import type { FrameCache } from '../engine/frame-cache.ts';
import type { CachedFrame } from '../engine/generation.ts';
import type { PartialFrame } from '../engine/partial-frame.ts';
import { jobMigrations } from './job-migrations.ts';
import type { FrameCommit, JobChange, JobRecord, JobStore, Settlement } from './job-record.ts';
import { migrate, schemaVersion } from './schema-version.ts';

/** The storage of one job in SQL. Nobody else writes there: the job's record is read once and then kept. */
export class SqlJobStore implements JobStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #onWrite: () => void;
  #job: JobRecord | null = null;

  /**
   * Brings an existing job's tables to the present schema; an object without a job stays empty.
   * @param onWrite called after every change, when it can be read
   */
  constructor(storage: DurableObjectStorage, onWrite: () => void = () => undefined) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#onWrite = onWrite;
    if (schemaVersion(this.#sql) === 0) return;
    migrate(storage, jobMigrations);
    this.#job = recordOf(this.#sql.exec<JobRow>(`SELECT ${columns.join(', ')} FROM job`).one());
  }

  /**
   * @param price of its hold
   * @param firstFrame PNG in the model's size, or null where the model draws it
   */
  create(job: JobRecord, price: Price, firstFrame: Uint8Array | null): void {
    this.#storage.transactionSync(() => {
      migrate(this.#storage, jobMigrations);
      this.#sql.exec(
        `INSERT INTO job (one, account, build, frame_multiply_adds, first_frame_multiply_adds, first_frame, spec, status,
           cursor, attempts, epoch, hold, created_at, is_gone_heard)
         VALUES (1, ?, ?, ?, ?, ?, '', '', 0, 0, 0, 0, ?, 0)`,
        job.account,
        job.build,
        job.frameMultiplyAdds,
        job.firstFrameMultiplyAdds,
        firstFrame,
        job.createdAt,
      );
      this.#update(job);
      this.#settle({ hold: job.hold, captured: 0, isFinal: false, price });
    });
    this.#job = job;
    this.#setAlarm(job.wakeAt);
  }

  job(): JobRecord | null {
    return this.#job;
  }

  write(change: JobChange): undefined {
    this.#storage.transactionSync(() => {
      if (change.dropsVideo) this.#dropVideo();
      for (const frame of change.frames ?? []) this.#insertFrame(frame);
      for (const cached of change.caches ?? []) this.#replaceCache(cached);
      if (change.keepCacheFrom !== undefined)
        this.#sql.exec('DELETE FROM key_value WHERE frame > 0 AND frame < ?', change.keepCacheFrom);
      if (change.partial !== undefined) this.#replacePartial(change.partial);
      for (const settlement of change.settlements ?? []) this.#settle(settlement);
      for (const settlement of change.heard ?? []) this.#hear(settlement);
      this.#update(change.job);
    });
    this.#job = this.#job && { ...this.#job, ...change.job };
    if (change.job.wakeAt !== undefined) this.#setAlarm(change.job.wakeAt);
    this.#onWrite();
  }

  /** Deletes everything, the alarm with it: without it, a death in between would leave the rest for ever. */
  async forget(): Promise<void> {
    await this.#storage.deleteAll();
    this.#job = null;
    this.#onWrite();
  }

  settlement(hold: number): Settlement {
    const row = this.#sql.exec<SettlementRow>('SELECT * FROM settlement WHERE hold = ?', hold).one();
    return settlementOf(row);
  }

  /** The settlements of all holds. */
  settlements(): Settlement[] {
    return this.#sql.exec<SettlementRow>('SELECT * FROM settlement').toArray().map(settlementOf);
  }

  hasSettlement(hold: number): boolean {
    return this.#sql.exec('SELECT 1 FROM settlement WHERE hold = ?', hold).toArray().length > 0;
  }

  outbox(): Settlement[] {
    const rows = this.#sql.exec<SettlementRow>(
      'SELECT * FROM settlement WHERE captured > heard_captured OR is_final > heard_final ORDER BY hold',
    );
    return rows.toArray().map(settlementOf);
  }

  /** PNG of the given first frame, or null. */
  firstFrame(): Uint8Array | null {
    const { first_frame } = this.#sql
      .exec<{ first_frame: ArrayBuffer | null }>('SELECT first_frame FROM job')
      .one();
    return first_frame === null ? null : new Uint8Array(first_frame);
  }

  /** Committed frames from `from` on, at most `count`. */
  frames(from: number, count: number): StoredFrame[] {
    const rows = this.#sql.exec<{ frame: number; png: ArrayBuffer }>(
      'SELECT frame, png FROM frame WHERE frame >= ? ORDER BY frame LIMIT ?',
      from,
      count,
    );
    return rows.toArray().map(({ frame, png }) => ({ index: frame, png: new Uint8Array(png) }));
  }

  /** Latents [S, C] of a committed frame. */
  latents(frame: number): Float32Array {
    const row = this.#sql
      .exec<{ latents: ArrayBuffer }>('SELECT latents FROM frame WHERE frame = ?', frame)
      .one();
    return new Float32Array(row.latents);
  }

  hasCache(frame: number): boolean {
    return this.#sql.exec('SELECT 1 FROM key_value WHERE frame = ? LIMIT 1', frame).toArray().length > 0;
  }

  /** K and V of a frame inside the window; empty where they are not stored. */
  cache(frame: number): FrameCache {
    const parts = this.#sql
      .exec<{ bytes: ArrayBuffer }>('SELECT bytes FROM key_value WHERE frame = ? ORDER BY part', frame)
      .toArray();
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.bytes.byteLength, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(new Uint8Array(part.bytes), at);
      at += part.bytes.byteLength;
    }
    return bytes;
  }

  /** What of the frame at the cursor is revealed so far, or null. */
  partial(): PartialFrame | null {
    const row = this.#sql
      .exec<{ frame: number; decode_steps: number; latents: ArrayBuffer }>('SELECT * FROM partial')
      .toArray()[0];
    if (row === undefined) return null;
    return { index: row.frame, decodeSteps: row.decode_steps, latents: new Float32Array(row.latents) };
  }

  #insertFrame({ index, png, latents }: FrameCommit): void {
    this.#sql.exec('INSERT INTO frame VALUES (?, ?, ?)', index, png, bytesOf(latents));
  }

  /** Of a past that had lost some of its rows, others may be there. */
  #replaceCache({ index, cache }: CachedFrame): void {
    const size = limits.keyValueRowBytes;
    for (let part = 0; part * size < cache.length; part++) {
      const piece = cache.subarray(part * size, (part + 1) * size);
      this.#sql.exec('INSERT OR REPLACE INTO key_value VALUES (?, ?, ?)', index, part, piece);
    }
  }

  #replacePartial(partial: PartialFrame | null): void {
    this.#sql.exec('DELETE FROM partial');
    if (partial === null) return;
    const { index, decodeSteps, latents } = partial;
    this.#sql.exec('INSERT INTO partial VALUES (?, ?, ?)', index, decodeSteps, bytesOf(latents));
  }

  #dropVideo(): void {
    for (const table of ['frame', 'key_value', 'partial']) this.#sql.exec(`DELETE FROM ${table}`);
    this.#sql.exec('UPDATE job SET first_frame = NULL');
  }

  #settle({ hold, captured, isFinal, price }: Settlement): void {
    this.#sql.exec(
      `INSERT INTO settlement (hold, captured, is_final, heard_captured, heard_final, frames, frame_credits)
       VALUES (?1, ?2, ?3, -1, 0, ?4, ?5)
       ON CONFLICT (hold) DO UPDATE SET captured = ?2, is_final = ?3`,
      hold,
      captured,
      Number(isFinal),
      price.frames,
      price.frameCredits,
    );
  }

  #hear({ hold, captured, isFinal }: Settlement): void {
    this.#sql.exec(
      'UPDATE settlement SET heard_captured = ?, heard_final = ? WHERE hold = ?',
      captured,
      Number(isFinal),
      hold,
    );
  }

  #update(job: Partial<JobRecord>): void {
    const fields = Object.entries(changing).filter(([field]) => job[field as keyof JobRecord] !== undefined);
    if (fields.length === 0) return;
    const assignments = fields.map(([, { column }]) => `${column} = ?`).join(', ');
    const values = fields.map(([field, { toSql }]) => toSql(job[field as keyof JobRecord]));
    this.#sql.exec(`UPDATE job SET ${assignments}`, ...values);
  }

  /** Not awaited: written in the same turn, it joins the transaction. */
  #setAlarm(time: number | null): void {
    void (time === null ? this.#storage.deleteAlarm() : this.#storage.setAlarm(time));
  }
}

const plain = (value: unknown) => value as SqlStorageValue;
const json = (value: unknown) => (value === null ? null : JSON.stringify(value));

/** Fields of a job that change, and where they are stored. */
const changing: Partial<
  Record<keyof JobRecord, { column: string; toSql: (value: unknown) => SqlStorageValue }>
> = {
  spec: { column: 'spec', toSql: json },
  source: { column: 'source', toSql: json },
  status: { column: 'status', toSql: plain },
  cursor: { column: 'cursor', toSql: plain },
  pastCursor: { column: 'past_cursor', toSql: plain },
  attempts: { column: 'attempts', toSql: plain },
  epoch: { column: 'epoch', toSql: plain },
  hold: { column: 'hold', toSql: plain },
  wakeAt: { column: 'wake_at', toSql: plain },
  completedAt: { column: 'completed_at', toSql: plain },
  expiresAt: { column: 'expires_at', toSql: plain },
  isGoneHeard: { column: 'is_gone_heard', toSql: Number },
  error: { column: 'error', toSql: json },
  webhookUrl: { column: 'webhook_url', toSql: plain },
  deliveries: { column: 'deliveries', toSql: json },
};

/** Without the first frame's bytes, which most readers of a job don't need. */
const columns = [
  ...Object.values(changing).map(({ column }) => column),
  ...['account', 'build', 'frame_multiply_adds', 'first_frame_multiply_adds'],
  ...['created_at', 'first_frame IS NOT NULL AS is_first_given'],
];

interface SettlementRow extends Record<string, SqlStorageValue> {
  hold: number;
  captured: number;
  is_final: number;
  frames: number;
  frame_credits: number;
}

function settlementOf(row: SettlementRow): Settlement {
  const price = { frames: row.frames, frameCredits: row.frame_credits };
  return { hold: row.hold, captured: row.captured, isFinal: row.is_final === 1, price };
}

interface JobRow extends Record<string, SqlStorageValue> {
  account: string;
  spec: string;
  build: string;
  frame_multiply_adds: number;
  first_frame_multiply_adds: number;
  source: string | null;
  is_first_given: number;
  status: string;
  cursor: number;
  past_cursor: number;
  attempts: number;
  epoch: number;
  hold: number;
  wake_at: number | null;
  created_at: number;
  completed_at: number | null;
  expires_at: number | null;
  is_gone_heard: number;
  error: string | null;
  webhook_url: string | null;
  deliveries: string;
}

function recordOf(row: JobRow): JobRecord {
  return {
    account: row.account,
    spec: JobSpec.parse(JSON.parse(row.spec)),
    build: row.build,
    frameMultiplyAdds: row.frame_multiply_adds,
    firstFrameMultiplyAdds: row.first_frame_multiply_adds,
    source: row.source === null ? null : JSON.parse(row.source),
    isFirstGiven: row.is_first_given === 1,
    status: JobStatus.parse(row.status),
    cursor: row.cursor,
    pastCursor: row.past_cursor,
    attempts: row.attempts,
    epoch: row.epoch,
    hold: row.hold,
    wakeAt: row.wake_at,
    createdAt: row.created_at,
    completedAt: row.completed_at,
    expiresAt: row.expires_at,
    isGoneHeard: row.is_gone_heard === 1,
    error: row.error === null ? null : JobError.parse(JSON.parse(row.error)),
    webhookUrl: row.webhook_url,
    deliveries: Delivery.array().parse(JSON.parse(row.deliveries)),
  };
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
