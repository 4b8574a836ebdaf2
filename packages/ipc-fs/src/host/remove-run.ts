import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";

import fse from "fs-extra";

import { removeEntry } from "./folder-entry.ts";
import { hostUser } from "./run-user.ts";
import { makeFolder } from "./make-place.ts";
import { removeTree } from "./remove-tree.ts";
import type { RunPaths } from "./run-paths.ts";
import { writeOnce, writeOver } from "./write-once.ts";

/** What a person may want to read of a run that went wrong. */
const TAIL_BYTES = 65_536;

/**
 * Removes what a run leaves in the mailbox. Workspace, state, control and launch folder, and dead
 * letters stay, and the end of each stream as `stdout.tail.log` and `stderr.tail.log`. A run that
 * was removed cannot be prepared again. Safe to repeat, also after a crash half-way.
 */
export async function removeRun(paths: RunPaths): Promise<void> {
  if (!(await fse.pathExists(paths.run))) {
    return;
  }
  writeOnce(paths.removed, `${new Date().toISOString()}\n`, 0o600);
  const trash = join(paths.run, "trash");
  makeFolder(trash, 0o700, hostUser());
  const { in: input, inbox, outbox, messages, tasks, spool, puts } = paths;
  for (const folder of [input, inbox, outbox, paths.input, messages, tasks, spool, puts]) {
    await removeTree(folder, trash);
  }
  await removeTree(trash, trash);
  keepTail(paths.stdout);
  keepTail(paths.stderr);
}

function keepTail(path: string): void {
  if (!existsSync(path)) {
    return;
  }
  writeOver(path.replace(/\.log$/, ".tail.log"), readTail(path), 0o600);
  removeEntry(path);
}

function readTail(path: string): Uint8Array {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
    const read = readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer.subarray(0, read);
  } finally {
    closeSync(file);
  }
}
