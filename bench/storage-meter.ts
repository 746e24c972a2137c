/** What storage is used for, as it is billed. */
export interface StorageUse {
  /** Rows that statements wrote or deleted, and alarms that were set. */
  readonly rowsWritten: number;
  readonly databaseBytes: number;
}

/** Counts what is written to the storage of the objects that it watches. */
export class StorageMeter {
  #rowsWritten = 0;
  readonly #databaseBytes = new Map<SqlStorage, number>();

  watch(storage: DurableObjectStorage): void {
    const { sql } = storage;
    const execute = sql.exec.bind(sql);
    sql.exec = ((...query: Parameters<typeof execute>) => {
      const cursor = execute(...query);
      this.#rowsWritten += cursor.rowsWritten;
      return cursor;
    }) as typeof sql.exec;
    const setAlarm = storage.setAlarm.bind(storage);
    storage.setAlarm = (...alarm) => {
      this.#rowsWritten += 1;
      // Storage can be asked by its own object alone, and objects of this service set an alarm whenever they write.
      this.#databaseBytes.set(sql, sql.databaseSize);
      return setAlarm(...alarm);
    };
  }

  use(): StorageUse {
    const databaseBytes = [...this.#databaseBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
    return { rowsWritten: this.#rowsWritten, databaseBytes };
  }
}
