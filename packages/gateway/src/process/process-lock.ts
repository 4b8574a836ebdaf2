import path from "node:path";
import { DatabaseSync } from "node:sqlite";

/** The right to be the one gateway process of a root. */
export interface ProcessLock {
  release(): void;
}

/**
 * Takes the lock of this root, or returns null while another process holds it. SQLite's lock is the
 * kernel's: it is gone with its process, however that died, so there is no stale lock to guess about
 * (Node offers no `flock` of its own). Nothing is ever written to the file.
 */
export function takeProcessLock(root: string): ProcessLock | null {
  const database = new DatabaseSync(path.join(root, "lock"));
  try {
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
  return { release: () => database.close() };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === 5;
}
