/** One entry for each version of a job's tables; a job in flight is brought up when its object wakes. */
export const jobMigrations: readonly string[] = [
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

  // Commands, legs, holds and expiry. K and V were kept in 32 bits: they are rebuilt from latents in 8.
  `CREATE TABLE next_job (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     spec TEXT NOT NULL, build TEXT NOT NULL, frame_multiply_adds INTEGER NOT NULL, source TEXT, first_frame BLOB,
     status TEXT NOT NULL, cursor INTEGER NOT NULL, attempts INTEGER NOT NULL, epoch INTEGER NOT NULL,
     hold INTEGER NOT NULL, wake_at INTEGER, created_at INTEGER NOT NULL, completed_at INTEGER,
     expires_at INTEGER, is_gone_heard INTEGER NOT NULL, error TEXT
   ) STRICT;
   INSERT INTO next_job
     SELECT one,
       json_remove(
         json_set(spec, '$.legs', json_array(json_object(
           'from', 0, 'seed', json_extract(spec, '$.seed'), 'interval', json_extract(spec, '$.interval')))),
         '$.seed', '$.interval'),
       build, frame_multiply_adds, NULL, first_frame, status, cursor, attempts, 0, 0, lease_until, created_at,
       CASE WHEN status IN ('completed', 'failed') THEN coalesce(completed_at, lease_until) END,
       CASE WHEN status IN ('completed', 'failed') THEN coalesce(completed_at, lease_until) + 2592000000 END,
       0, error
     FROM job;
   DROP TABLE job;
   ALTER TABLE next_job RENAME TO job;
   DROP TABLE key_value;
   CREATE TABLE key_value (
     frame INTEGER NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (frame, part)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE partial (frame INTEGER NOT NULL, decode_steps INTEGER NOT NULL, latents BLOB NOT NULL) STRICT;
   CREATE TABLE settlement (
     hold INTEGER PRIMARY KEY, captured INTEGER NOT NULL, is_final INTEGER NOT NULL,
     heard_captured INTEGER NOT NULL, heard_final INTEGER NOT NULL
   ) STRICT;
   INSERT INTO settlement
     SELECT 0, max(0, cursor - (first_frame IS NOT NULL)), status IN ('completed', 'failed'), -1, 0 FROM job;`,

  // Where K and V stand while they are made anew. A past of which rows are missing is made anew whatever this says.
  `ALTER TABLE job ADD COLUMN past_cursor INTEGER NOT NULL DEFAULT 0;
   UPDATE job SET past_cursor = cursor;`,

  // What an order costs. Frames that were ordered before there were credits cost nothing.
  `ALTER TABLE settlement ADD COLUMN frames INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE settlement ADD COLUMN frame_credits INTEGER NOT NULL DEFAULT 0;`,

  // Steps, temperature and cost of a frame 0 that the model draws: those of the other frames, as it was.
  `ALTER TABLE job ADD COLUMN first_frame_multiply_adds INTEGER NOT NULL DEFAULT 0;
   UPDATE job SET first_frame_multiply_adds = frame_multiply_adds,
     spec = json_set(spec, '$.firstFrameSampling', json_object(
       'decodeSteps', spec -> '$.decodeSteps', 'headSteps', spec -> '$.headSteps',
       'temperature', spec -> '$.temperature'));`,

  // There was one account before.
  "ALTER TABLE job ADD COLUMN account TEXT NOT NULL DEFAULT 'local';",

  // Webhooks.
  `ALTER TABLE job ADD COLUMN webhook_url TEXT;
   ALTER TABLE job ADD COLUMN deliveries TEXT NOT NULL DEFAULT '[]';`,
];
