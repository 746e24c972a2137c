/** Which jobs to list. */
export interface PageRequest {
  /** Id of the job before the page, or null for the first page. */
  readonly after: string | null;
  readonly limit: number;
  readonly order: 'asc' | 'desc';
}

/** Ids of a page; hasMore where jobs follow it. */
export interface JobPage {
  readonly jobIds: string[];
  readonly hasMore: boolean;
}

/** The SQL of one account: its jobs in the order of creation. */
export class AccountStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS job (position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE) STRICT',
    );
  }

  add(jobId: string): void {
    this.#sql.exec('INSERT INTO job (id) VALUES (?)', jobId);
  }

  remove(jobIds: readonly string[]): void {
    for (const id of jobIds) this.#sql.exec('DELETE FROM job WHERE id = ?', id);
  }

  page({ after, limit, order }: PageRequest): JobPage | null {
    const start = after === null ? this.#before(order) : this.#position(after);
    if (start === null) return null;
    const beyond =
      order === 'asc' ? 'position > ? ORDER BY position ASC' : 'position < ? ORDER BY position DESC';
    const rows = this.#sql.exec<{ id: string }>(
      `SELECT id FROM job WHERE ${beyond} LIMIT ?`,
      start,
      limit + 1,
    );
    const ids = rows.toArray().map(({ id }) => id);
    return { jobIds: ids.slice(0, limit), hasMore: ids.length > limit };
  }

  #before(order: 'asc' | 'desc'): number {
    return order === 'asc' ? 0 : Number.MAX_SAFE_INTEGER;
  }

  #position(id: string): number | null {
    const row = this.#sql
      .exec<{ position: number }>('SELECT position FROM job WHERE id = ?', id)
      .toArray()[0];
    return row?.position ?? null;
  }
}
