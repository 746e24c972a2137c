/** What a test sees of an object's storage, and what it does to it. */
export interface StorageHold {
  /** The alarm that was set, which never rings by itself; null = none. */
  alarm: number | null;
  /** What happened, in order. */
  readonly journal: string[];
  /** Called with every statement; may throw, as a full disk does. */
  onStatement: (query: string) => void;
  /** Called when all that was written is to be on disk. */
  onSync: () => void;
}

/** Real storage whose alarm is a number and whose statements can fail. */
export function heldStorage(storage: DurableObjectStorage, hold: StorageHold): DurableObjectStorage {
  const sql = replaced(storage.sql, {
    exec: (query: string, ...values: SqlStorageValue[]) => {
      hold.onStatement(query);
      return storage.sql.exec(query, ...values);
    },
  });
  const setAlarm = async (time: number | null) => {
    hold.alarm = time;
    hold.journal.push(time === null ? 'no alarm' : 'alarm');
  };
  return replaced(storage, {
    sql,
    setAlarm,
    deleteAlarm: () => setAlarm(null),
    getAlarm: async () => hold.alarm,
    deleteAll: async () => {
      await storage.deleteAll();
      await setAlarm(null);
    },
    sync: async () => {
      hold.onSync();
      hold.journal.push('sync');
    },
  });
}

/** The same object but for some of its members. */
function replaced<T extends object>(target: T, members: object): T {
  return new Proxy(target, {
    get: (_, name) => {
      if (name in members) return Reflect.get(members, name);
      const value = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
