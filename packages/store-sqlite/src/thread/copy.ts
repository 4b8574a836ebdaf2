import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { openDatabase } from "./database.ts";
import type { Database } from "./database.ts";
import { Refusal } from "./failure.ts";
import { checkIntegrity } from "./integrity.ts";
import { createPrivately } from "./owner-lock.ts";

/**
 * Writes the database, as it is at this instant, to a new file. The file gets its name only once it
 * is complete, checked and on the disk.
 */
export function copyDatabase(db: Database, target: string): void {
  if (existsSync(target)) throw targetExists(target);
  const unfinished = `${target}.${process.pid}.tmp`;
  rmSync(unfinished, { force: true });
  createPrivately(unfinished);
  try {
    db.prepare("VACUUM INTO ?").run(unfinished);
    checkCopy(unfinished);
    syncToDisk(unfinished);
    // A link and not a rename, which would replace a file that came in between.
    linkSync(unfinished, target);
    syncToDisk(dirname(target));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST")
      throw targetExists(target);
    throw error;
  } finally {
    rmSync(unfinished, { force: true });
  }
}

function checkCopy(path: string): void {
  const copy = openDatabase(path, { readOnly: true, waitMs: 0 });
  try {
    checkIntegrity(copy, path, "full");
  } finally {
    copy.close();
  }
}

function syncToDisk(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function targetExists(target: string): Refusal {
  return new Refusal(
    "STORE_TARGET_EXISTS",
    `The backup was not written: ${target} exists already. Choose another name.`,
    { target },
  );
}
