import { closeSync, openSync } from "node:fs";
import { hostname } from "node:os";
import { openDatabase, inTransaction } from "./database.ts";
import type { Database } from "./database.ts";
import { Refusal } from "./failure.ts";

/** The right to write a store, for as long as it is held. */
export interface OwnerLock {
  release(): void;
}

/**
 * Takes the right to write a store, or throws `STORE_IN_USE` with the holder's process id.
 *
 * The lock is SQLite's own on a side file `<path>-lock`: a transaction that is begun and never ends.
 * The kernel lets go of it when the process dies, however it dies. Whoever waits can still read the
 * file, and so learn who holds it. Never open the side file by other means in a process that holds
 * it: closing any descriptor of a file gives up all POSIX locks that the process has on it.
 */
export function takeOwnerLock(path: string, waitMs: number): OwnerLock {
  const file = `${path}-lock`;
  createPrivately(file);
  const db = openDatabase(file, { readOnly: false, waitMs });
  try {
    holdOrThrow(db, path);
  } catch (error) {
    db.close();
    throw error;
  }
  return { release: () => db.close() };
}

/** Creates the file for this user alone, since the log may hold what nobody else should read. */
export function createPrivately(file: string): void {
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    const exists = error instanceof Error && "code" in error && error.code === "EEXIST";
    if (!exists) throw error;
  }
}

/**
 * The holder's name must be committed for others to see it, and the commit lets the lock go for a
 * moment. So it writes its name, takes the lock again, and looks whether the name is still its own.
 */
function holdOrThrow(db: Database, path: string): void {
  const token = crypto.randomUUID();
  for (;;) {
    try {
      inTransaction(db, () => writeHolder(db, token));
      db.exec("BEGIN IMMEDIATE");
    } catch (error) {
      if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY)
        throw inUse(db, path);
      throw error;
    }
    if (readHolder(db)?.["token"] === token) return;
    db.exec("ROLLBACK");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5 + Math.random() * 20);
  }
}

function writeHolder(db: Database, token: string): void {
  db.exec(
    "CREATE TABLE IF NOT EXISTS holder (one INTEGER PRIMARY KEY, token TEXT, pid INTEGER, host TEXT, since INTEGER)",
  );
  const write = db.prepare("INSERT OR REPLACE INTO holder VALUES (1, ?, ?, ?, ?)");
  write.run(token, process.pid, hostname(), Date.now());
}

function readHolder(db: Database): Readonly<Record<string, unknown>> | undefined {
  return db.prepare("SELECT token, pid, host, since FROM holder").get();
}

function inUse(db: Database, path: string): Refusal {
  const { pid = null, host = null, since = null } = holderOrNone(db);
  const own = pid === process.pid && host === hostname();
  const who = own
    ? `this process (pid ${String(pid)})`
    : `process ${String(pid ?? "unknown")} on ${String(host ?? "an unknown host")}`;
  const message = `The store ${path} is in use by ${who}. Close it there, or choose another path; to read beside it, use sqliteReader.`;
  return new Refusal("STORE_IN_USE", message, { path, pid, host, since });
}

/** Nothing where the holder has not got as far as writing its name. */
function holderOrNone(db: Database): Readonly<Record<string, unknown>> {
  try {
    return readHolder(db) ?? {};
  } catch (error) {
    if (error instanceof Error && "errcode" in error) return {};
    throw error;
  }
}

const SQLITE_BUSY = 5;
