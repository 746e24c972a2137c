/** The schema that the tables have, 0 where there are none. */
export function schemaVersion(sql: SqlStorage): number {
  const exists = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").toArray().length > 0;
  return exists ? sql.exec<{ version: number }>('SELECT version FROM schema_version').one().version : 0;
}

/**
 * Brings tables to the present schema in one transaction.
 * @param migrations one entry for each version, of which earlier ones never change
 */
export function migrate(storage: DurableObjectStorage, migrations: readonly string[]): void {
  const version = schemaVersion(storage.sql);
  if (version === migrations.length) return;
  storage.transactionSync(() => {
    for (const migration of migrations.slice(version)) storage.sql.exec(migration);
    storage.sql.exec('CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT');
    storage.sql.exec('DELETE FROM schema_version');
    storage.sql.exec('INSERT INTO schema_version VALUES (?)', migrations.length);
  });
}
