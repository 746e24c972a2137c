import { limits } from '../contract/config.ts';
import type { StoredFrame } from '../contract/frame.ts';
import { JobError, JobSpec, JobStatus } from '../contract/job.ts';
import type { FrameCache } from '../engine/past.ts';
import { nextStatus } from './state-table.ts';

/** Everything about a job but its frames. Times are milliseconds since 1970. */
export interface JobRecord {
  readonly spec: JobSpec;
  /** SHA-256 of the model's build, pinned at creation. */
  readonly build: string;
  /** What one frame costs to compute. */
  readonly frameMultiplyAdds: number;
  readonly status: JobStatus;
  /** Index of the next frame = number of committed frames. */
  readonly cursor: number;
  /** Tries at the frame at the cursor. */
  readonly attempts: number;
  readonly leaseUntil: number;
  readonly createdAt: number;
  readonly completedAt: number | null;
  readonly error: JobError | null;
}

/** A finished frame and what is kept of it to go on. */
export interface FrameCommit extends FrameCache {
  readonly index: number;
  readonly png: Uint8Array;
  /** [S, C] */
  readonly latents: Float32Array;
}

/** What the rest of the wake has to do with a commit. */
export interface CommitMoment {
  readonly now: number;
  readonly leaseUntil: number;
  /** Frames before the cursor that the next frame can see. */
  readonly window: number;
  /** True where the same wake makes the next frame, too. */
  readonly goesOn: boolean;
}

/** One entry for each schema version; a job in flight is brought up when its object wakes. */
const migrations: readonly string[] = [
  `CREATE TABLE job (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     spec TEXT NOT NULL, build TEXT NOT NULL, frame_multiply_adds INTEGER NOT NULL, first_frame BLOB,
     status TEXT NOT NULL, cursor INTEGER NOT NULL, attempts INTEGER NOT NULL, lease_until INTEGER NOT NULL,
     created_at INTEGER NOT NULL, completed_at INTEGER, error TEXT
   ) STRICT;
   CREATE TABLE frame (frame INTEGER PRIMARY KEY, png BLOB NOT NULL, latents BLOB NOT NULL) STRICT;
   CREATE TABLE key_value (
     frame INTEGER NOT NULL, tensor TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL,
     PRIMARY KEY (frame, tensor, part)
   ) STRICT, WITHOUT ROWID;`,
];

/** The SQL of one job. Reads and writes are synchronous, so nothing comes between them. */
export class JobStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
  }

  /** Brings an existing job's tables to the present schema; an object without a job stays empty. */
  migrate(): void {
    if (this.#schemaVersion() > 0) this.#migrateFrom(this.#schemaVersion());
  }

  /** @param firstFrame PNG in the model's size, or null where the model draws it */
  create(
    job: Pick<JobRecord, 'spec' | 'build' | 'frameMultiplyAdds' | 'createdAt' | 'leaseUntil'>,
    firstFrame: Uint8Array | null,
  ): void {
    this.#storage.transactionSync(() => {
      this.#migrateFrom(0);
      this.#sql.exec(
        `INSERT INTO job (one, spec, build, frame_multiply_adds, first_frame, status, cursor, attempts, lease_until, created_at)
         VALUES (1, ?, ?, ?, ?, 'queued', 0, 0, ?, ?)`,
        JSON.stringify(job.spec),
        job.build,
        job.frameMultiplyAdds,
        firstFrame,
        job.leaseUntil,
        job.createdAt,
      );
    });
  }

  /** The job, or null where there never was one or it has been removed. */
  job(): JobRecord | null {
    if (this.#schemaVersion() === 0) return null;
    const row = this.#sql.exec<JobRow>('SELECT * FROM job').toArray()[0];
    return row === undefined ? null : recordOf(row);
  }

  /** PNG of the given first frame, or null. */
  firstFrame(): Uint8Array | null {
    const { first_frame } = this.#sql.exec<Pick<JobRow, 'first_frame'>>('SELECT first_frame FROM job').one();
    return first_frame === null ? null : new Uint8Array(first_frame);
  }

  /** Writes down a try before it is made, so that a killed process has counted it. */
  beginAttempt(attempts: number, leaseUntil: number): void {
    this.#sql.exec('UPDATE job SET attempts = ?, lease_until = ?', attempts, leaseUntil);
  }

  /** Moves the end of the lease, so that readers do not cut a pause between tries short. */
  postpone(leaseUntil: number): void {
    this.#sql.exec('UPDATE job SET lease_until = ?', leaseUntil);
  }

  /**
   * Commits the frame at the cursor in one transaction: the frame, its latents, K and V, the cursor, the state; K and
   * V of frames that the window has left are deleted, frame 0 stays. The count of attempts starts anew: at 1 where
   * the same wake goes on with the next frame, which is a try at it, else at 0.
   */
  commit(frame: FrameCommit, moment: CommitMoment): void {
    this.#storage.transactionSync(() => {
      const job = this.#existing();
      if (frame.index !== job.cursor)
        throw new RangeError(`frame ${frame.index} is not the next one, ${job.cursor}`);
      const cursor = job.cursor + 1;
      const isLast = cursor === job.spec.frames;
      const status = nextStatus(job.status, isLast ? 'last_frame_committed' : 'frame_committed');
      this.#sql.exec('INSERT INTO frame VALUES (?, ?, ?)', frame.index, frame.png, bytesOf(frame.latents));
      if (isLast) this.#sql.exec('DELETE FROM key_value');
      else this.#keepKeyValues(frame, cursor - moment.window);
      this.#sql.exec(
        'UPDATE job SET status = ?, cursor = ?, attempts = ?, lease_until = ?, completed_at = ?',
        status,
        cursor,
        moment.goesOn ? 1 : 0,
        moment.leaseUntil,
        isLast ? moment.now : null,
      );
    });
  }

  /** Ends the job for good; its frames are kept. */
  fail(error: JobError): void {
    const status = nextStatus(this.#existing().status, 'given_up');
    this.#sql.exec('UPDATE job SET status = ?, error = ?', status, JSON.stringify(error));
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

  /**
   * K and V of a frame inside the window.
   * @throws RangeError where they are not stored
   */
  keyValues(frame: number): FrameCache {
    return { k: this.#tensor(frame, 'k'), v: this.#tensor(frame, 'v') };
  }

  #keepKeyValues(frame: FrameCommit, oldestNeeded: number): void {
    this.#sql.exec('DELETE FROM key_value WHERE frame > 0 AND frame < ?', oldestNeeded);
    for (const tensor of ['k', 'v'] as const) {
      const bytes = bytesOf(frame[tensor]);
      for (let part = 0; part * limits.keyValueRowBytes < bytes.length; part++) {
        const piece = bytes.subarray(part * limits.keyValueRowBytes, (part + 1) * limits.keyValueRowBytes);
        this.#sql.exec('INSERT INTO key_value VALUES (?, ?, ?, ?)', frame.index, tensor, part, piece);
      }
    }
  }

  #tensor(frame: number, tensor: 'k' | 'v'): Float32Array {
    const parts = this.#sql
      .exec<{ bytes: ArrayBuffer }>(
        'SELECT bytes FROM key_value WHERE frame = ? AND tensor = ? ORDER BY part',
        frame,
        tensor,
      )
      .toArray();
    if (parts.length === 0) throw new RangeError(`${tensor} of frame ${frame} is not stored`);
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.bytes.byteLength, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(new Uint8Array(part.bytes), at);
      at += part.bytes.byteLength;
    }
    return new Float32Array(bytes.buffer);
  }

  #existing(): JobRecord {
    const job = this.job();
    if (job === null) throw new Error('the job has been removed');
    return job;
  }

  #schemaVersion(): number {
    const exists =
      this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").toArray().length > 0;
    return exists
      ? this.#sql.exec<{ version: number }>('SELECT version FROM schema_version').one().version
      : 0;
  }

  #migrateFrom(version: number): void {
    if (version === migrations.length) return;
    this.#storage.transactionSync(() => {
      for (const migration of migrations.slice(version)) this.#sql.exec(migration);
      this.#sql.exec('CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT');
      this.#sql.exec('DELETE FROM schema_version');
      this.#sql.exec('INSERT INTO schema_version VALUES (?)', migrations.length);
    });
  }
}

interface JobRow extends Record<string, SqlStorageValue> {
  spec: string;
  build: string;
  frame_multiply_adds: number;
  first_frame: ArrayBuffer | null;
  status: string;
  cursor: number;
  attempts: number;
  lease_until: number;
  created_at: number;
  completed_at: number | null;
  error: string | null;
}

function recordOf(row: JobRow): JobRecord {
  return {
    spec: JobSpec.parse(JSON.parse(row.spec)),
    build: row.build,
    frameMultiplyAdds: row.frame_multiply_adds,
    status: JobStatus.parse(row.status),
    cursor: row.cursor,
    attempts: row.attempts,
    leaseUntil: row.lease_until,
    createdAt: row.created_at,
    completedAt: row.completed_at,
    error: row.error === null ? null : JobError.parse(JSON.parse(row.error)),
  };
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
