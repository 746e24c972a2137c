import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Hold } from '../../src/billing/holds.ts';
import type { Entry } from '../../src/billing/ledger.ts';
import type { Price } from '../../src/billing/price.ts';
import type { Settlement } from '../../src/job/job-record.ts';

/** A job as its object's file has it. */
export interface StoredJob {
  readonly status: string;
  readonly cursor: number;
  readonly attempts: number;
  readonly frames: number;
  /** Frames that somebody computed and pays for. */
  readonly computed: number;
  readonly error: string | null;
}

export interface StoredSize {
  readonly frames: number;
  readonly cachedFrames: number;
  readonly bytes: number;
}

/** Reads the files of the objects beside the service: no request, so nothing that could wake a job. */
export class StoredState {
  readonly #folder: string;

  /** @param objectsFolder the folder with one folder for each class of objects */
  constructor(objectsFolder: string) {
    this.#folder = objectsFolder;
  }

  /** Ids of all jobs that there are, those whose orders were never answered, too. */
  ids(): string[] {
    const folder = join(this.#folder, 'magi-worker-JobObject');
    const files = existsSync(folder) ? readdirSync(folder) : [];
    const names = files.filter((file) => /^[0-9a-f]+\.sqlite$/.test(file));
    return names.map((name) => `video_${name.slice(0, -'.sqlite'.length)}`);
  }

  /** Null where the job's object has never written. */
  job(id: string): StoredJob | null {
    return this.#read(this.#jobFile(id), (database) => {
      const job = database
        .prepare('SELECT status, cursor, attempts, error, source, first_frame IS NOT NULL AS given FROM job')
        .get() as { [name: string]: string | number | null } | undefined;
      if (job === undefined) return null;
      const { frames } = database.prepare('SELECT count(*) AS frames FROM frame').get() as { frames: number };
      const shared = job.source === null ? 0 : (JSON.parse(String(job.source)).frames as number);
      const cursor = Number(job.cursor);
      const free = Math.min(cursor, shared + Number(job.given));
      return {
        status: String(job.status),
        error: job.error === null ? null : JSON.parse(String(job.error)).code,
        attempts: Number(job.attempts),
        ...{ cursor, frames, computed: cursor - free },
      };
    });
  }

  /** SHA-256 of every frame's PNG, in order. */
  frames(id: string): string[] {
    const read = (database: DatabaseSync) =>
      database.prepare('SELECT png FROM frame ORDER BY frame').all() as { png: Uint8Array }[];
    return (this.#read(this.#jobFile(id), read) ?? []).map(({ png }) => sha256(png));
  }

  /** Frames of a job, those whose K and V are stored, and the bytes that all of it takes. */
  size(id: string): StoredSize {
    const read = (database: DatabaseSync) =>
      database
        .prepare(
          `SELECT (SELECT count(*) FROM frame) AS frames, count(DISTINCT frame) AS cachedFrames,
             (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size) AS bytes
           FROM key_value`,
        )
        .get() as unknown as StoredSize;
    return this.#read(this.#jobFile(id), read) ?? { frames: 0, cachedFrames: 0, bytes: 0 };
  }

  /** What a job knows of its holds. */
  settlements(id: string): Settlement[] {
    const read = (database: DatabaseSync) =>
      database.prepare('SELECT * FROM settlement').all() as Record<string, number>[];
    return (this.#read(this.#jobFile(id), read) ?? []).map((row) => ({
      hold: Number(row.hold),
      captured: Number(row.captured),
      isFinal: row.is_final === 1,
      price: priceOf(row),
    }));
  }

  /** The account's holds and its ledger, as they stood at one moment. */
  account(): { holds: Hold[]; entries: Entry[] } {
    const read = (database: DatabaseSync) => ({
      holds: database.prepare('SELECT * FROM hold').all().map(holdOf),
      entries: database.prepare('SELECT * FROM entry ORDER BY position').all().map(entryOf),
    });
    return this.#read(this.#accountFile(), read) ?? { holds: [], entries: [] };
  }

  #jobFile(id: string): string {
    return join(this.#folder, 'magi-worker-JobObject', `${id.slice('video_'.length)}.sqlite`);
  }

  #accountFile(): string {
    const folder = join(this.#folder, 'magi-worker-AccountObject');
    const files = existsSync(folder) ? readdirSync(folder) : [];
    const name = files.find((file) => /^[0-9a-f]+\.sqlite$/.test(file));
    return join(folder, name ?? 'none');
  }

  /** Null where there is no file, or not yet the tables that are asked for. */
  #read<T>(file: string, read: (database: DatabaseSync) => T): T | null {
    if (!existsSync(file)) return null;
    try {
      return readFrom(file, { readOnly: true }, read);
    } catch (error) {
      if (/no such table/.test(String(error))) return null;
      if (!/readonly/.test(String(error))) throw error;
      return mended(file, (copy) => readFrom(copy, {}, read));
    }
  }
}

type Row = Record<string, unknown>;

function priceOf(row: Row): Price {
  return { frames: Number(row.frames), frameCredits: Number(row.frame_credits) };
}

function holdOf(row: Row): Hold {
  return {
    jobId: String(row.job),
    hold: Number(row.hold),
    openedAt: Number(row.opened_at),
    price: priceOf(row),
    isConfirmed: row.is_confirmed === 1,
    captured: Number(row.captured),
    isEnded: row.is_ended === 1,
  };
}

function entryOf(row: Row): Entry {
  const { kind, credits, at, job, hold, reference, purchased, available, held, spent } = row;
  const balance = { purchased, available, held, spent };
  return { kind, credits, at, jobId: job, hold, reference, balance } as Entry;
}

function readFrom<T>(file: string, options: object, read: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file, { timeout: 2000, ...options });
  try {
    return read(database);
  } finally {
    database.close();
  }
}

/** A process that was killed in the midst of its first write left a file that only a writer can open: a copy of it. */
function mended<T>(file: string, use: (copy: string) => T | null): T | null {
  const folder = mkdtempSync(join(tmpdir(), 'magi-copy-'));
  try {
    for (const end of ['', '-wal', '-journal'])
      if (existsSync(file + end)) copyFileSync(file + end, join(folder, `copy${end}`));
    return use(join(folder, 'copy'));
  } catch (error) {
    if (/no such table/.test(String(error))) return null;
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
