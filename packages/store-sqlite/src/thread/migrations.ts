import { inTransaction, numberFrom } from "./database.ts";
import type { Database } from "./database.ts";
import { Refusal } from "./failure.ts";

/**
 * The steps from nothing to the present schema, oldest first. A step that was released is never
 * changed: a new one is added behind it. The database keeps the number of its last step.
 *
 * `events` is the log, and only ever grows at its end. `by_id` and `by_stream` follow it at a
 * distance, up to `marks.indexed`: see `log-index.ts`. An id is found by its hash (`id-hash.ts`),
 * which takes a third of the pages. `data` stands last, so that a scan by type never touches the
 * pages of a long text.
 */
export const migrations: readonly string[] = [
  `CREATE TABLE events (
     position INTEGER PRIMARY KEY,
     stream TEXT NOT NULL,
     version INTEGER NOT NULL,
     id TEXT NOT NULL,
     type TEXT NOT NULL,
     schema INTEGER NOT NULL,
     recorded_at REAL NOT NULL,
     causation TEXT,
     must_understand INTEGER NOT NULL,
     checksum INTEGER NOT NULL,
     data TEXT NOT NULL
   ) STRICT;
   CREATE TABLE by_id (
     hash INTEGER NOT NULL,
     position INTEGER NOT NULL,
     PRIMARY KEY (hash, position)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE by_stream (
     stream TEXT NOT NULL,
     version INTEGER NOT NULL,
     position INTEGER NOT NULL,
     PRIMARY KEY (stream, version)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE leases (
     name TEXT PRIMARY KEY,
     epoch INTEGER NOT NULL,
     owner TEXT,
     life INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE marks (
     name TEXT PRIMARY KEY,
     value ANY NOT NULL
   ) STRICT, WITHOUT ROWID;
   INSERT INTO marks VALUES ('life', 0), ('indexed', 0);`,
  `CREATE TABLE checkpoints (
     name TEXT PRIMARY KEY,
     value TEXT
   ) STRICT, WITHOUT ROWID;`,
  `CREATE TABLE payloads (
     reference TEXT PRIMARY KEY,
     data TEXT NOT NULL
   ) STRICT;
   CREATE INDEX by_payload ON events (data) WHERE substr(data, 1, 1) = '@';`,
];

/** Brings the database to the newest schema. A database of another program is refused. */
export function migrate(db: Database, path: string, steps: readonly string[] = migrations): void {
  const version = checkSchema(db, path, steps.length);
  if (version === steps.length) return;
  inTransaction(db, () => {
    for (const step of steps.slice(version)) db.exec(step);
    db.exec(`PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${steps.length}`);
  });
}

/** The number of the database's schema; throws for one that this release does not know. */
export function checkSchema(
  db: Database,
  path: string,
  newest: number = migrations.length,
): number {
  const application = numberFrom(db.prepare("PRAGMA application_id").get());
  const version = numberFrom(db.prepare("PRAGMA user_version").get());
  const tables = numberFrom(db.prepare("SELECT count(*) FROM sqlite_schema").get());
  if (application !== APPLICATION && tables > 0) {
    throw new Refusal(
      "STORE_FOREIGN",
      `The database ${path} belongs to another program. Choose another path for the store.`,
      { path, application },
    );
  }
  if (version > newest) {
    const message = `The store ${path} was written by a newer release (its schema is ${version}, this release knows ${newest}). Install that release again, or put back a backup from before the upgrade.`;
    throw new Refusal("STORE_TOO_NEW", message, { path, schema: version, known: newest });
  }
  return version;
}

// "WAYB" in ASCII: `file` and SQLite's own tools show whose database it is.
const APPLICATION = 0x57415942;
