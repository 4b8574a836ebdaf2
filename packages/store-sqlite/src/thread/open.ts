import { existsSync } from "node:fs";
import { inTransaction, numberFrom, openDatabase, textFrom } from "./database.ts";
import type { Database } from "./database.ts";
import { Refusal } from "./failure.ts";
import { checkIntegrity } from "./integrity.ts";
import type { Opened, ThreadStart } from "./messages.ts";
import { checkSchema, migrate, migrations } from "./migrations.ts";
import { createPrivately, takeOwnerLock } from "./owner-lock.ts";

/** An open log. */
export interface OpenLog {
  readonly db: Database;
  readonly opened: Opened;
  /** The number of this opening. */
  readonly life: number;
  /** Closes the database, and then lets the lock go. */
  close(): void;
}

/** Opens the log for its one owner: takes the lock, migrates, checks and begins a new life. */
export function openForOwner(start: ThreadStart): OpenLog {
  const lock = takeOwnerLock(start.path, start.lockWaitMs);
  let db: Database | null = null;
  try {
    createPrivately(start.path);
    db = openDatabase(start.path, { readOnly: false, waitMs: BUSY_WAIT_MS });
    checkSchema(db, start.path);
    const journalMode = textFrom(db.prepare("PRAGMA journal_mode = WAL").get());
    db.exec(`PRAGMA synchronous = ${start.durability.toUpperCase()}; ${TUNING}`);
    const synchronous =
      numberFrom(db.prepare("PRAGMA synchronous").get()) === 2 ? "full" : "normal";
    if (journalMode !== "wal" || synchronous !== start.durability)
      throw notDurable(start.path, journalMode, synchronous);
    migrate(db, start.path);
    const checkMs = check(db, start);
    const life = beginLife(db);
    const opened = { ...readIdentity(db), journalMode, synchronous, checkMs };
    const open = db;
    return {
      db,
      opened,
      life,
      close: () => {
        open.close();
        lock.release();
      },
    };
  } catch (error) {
    db?.close();
    lock.release();
    throw error;
  }
}

/** Opens the log to read it, beside its owner or without one. */
export function openForReader(start: ThreadStart): OpenLog {
  if (!existsSync(start.path)) throw missing(start.path);
  const db = openDatabase(start.path, { readOnly: true, waitMs: BUSY_WAIT_MS });
  try {
    const schema = checkSchema(db, start.path);
    if (schema === 0) throw missing(start.path);
    if (schema < migrations.length) throw tooOld(start.path, schema);
    const checkMs = check(db, start);
    const journalMode = textFrom(db.prepare("PRAGMA journal_mode").get());
    return {
      db,
      opened: { ...readIdentity(db), journalMode, synchronous: "reader", checkMs },
      life: 0,
      close: () => db.close(),
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

function check(db: Database, start: ThreadStart): number {
  const begun = performance.now();
  checkIntegrity(db, start.path, start.check);
  return performance.now() - begun;
}

/** Counts the openings, and gives a new log its id. */
function beginLife(db: Database): number {
  return inTransaction(db, () => {
    db.prepare("INSERT INTO marks VALUES ('id', ?) ON CONFLICT DO NOTHING").run(
      crypto.randomUUID(),
    );
    return numberFrom(
      db.prepare("UPDATE marks SET value = value + 1 WHERE name = 'life' RETURNING value").get(),
    );
  });
}

function readIdentity(db: Database): { readonly id: string; readonly last: number } {
  return {
    id: textFrom(db.prepare("SELECT value FROM marks WHERE name = 'id'").get()),
    last: numberFrom(db.prepare("SELECT coalesce(max(position), 0) FROM events").get()),
  };
}

function notDurable(path: string, journalMode: string, synchronous: string): Refusal {
  const message = `The disk of ${path} cannot keep the promised durability (journal mode ${journalMode}, synchronous ${synchronous}). Choose a path on a local disk.`;
  return new Refusal("STORE_NOT_DURABLE", message, { path, journalMode, synchronous });
}

function missing(path: string): Refusal {
  return new Refusal(
    "STORE_MISSING",
    `There is no store at ${path} yet. Open it with sqliteStore first.`,
    { path },
  );
}

function tooOld(path: string, schema: number): Refusal {
  const message = `The store ${path} was written by an older release (its schema is ${schema}, this release reads ${migrations.length}). Open it once with sqliteStore of this release, or read it with the release that wrote it.`;
  return new Refusal("STORE_TOO_OLD", message, { path, schema, known: migrations.length });
}

// A reader beside the owner holds its locks for moments only.
const BUSY_WAIT_MS = 5_000;

// 64 MiB of pages in memory. The write-ahead log is moved into the file at SQLite's own 1,000 pages:
// more gains nothing here, and needs the space twice.
// What is erased is overwritten, and not only unlinked.
const TUNING = "PRAGMA cache_size = -65536; PRAGMA secure_delete = ON";
