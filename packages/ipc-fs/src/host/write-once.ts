import {
  closeSync,
  existsSync,
  fchmodSync,
  linkSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

import { removeEntry } from "./folder-entry.ts";
import { errnoOf } from "./mailbox-failure.ts";

let counter = 0;

/**
 * Gives a file its name and its whole content in one step, unless the name is taken already; true
 * where it was free. The folder is the host's own.
 */
export function writeOnce(path: string, content: string | Uint8Array, mode: number): boolean {
  const temporary = writeBeside(path, content, mode);
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") {
      return false;
    }
    if (!NO_LINKS.has(errnoOf(error))) {
      throw error;
    }
    return renameUnlessThere(temporary, path);
  } finally {
    removeEntry(temporary);
  }
}

/** What file systems without hard links answer: FAT, some shares of virtual machines. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

function renameUnlessThere(temporary: string, path: string): boolean {
  if (existsSync(path)) {
    return false;
  }
  renameSync(temporary, path);
  return true;
}

/** As `writeOnce`, but takes the place of what is there. A reader sees the old or the new. */
export function writeOver(path: string, content: string | Uint8Array, mode: number): void {
  renameSync(writeBeside(path, content, mode), path);
}

function writeBeside(path: string, content: string | Uint8Array, mode: number): string {
  counter += 1;
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${counter}.tmp`);
  const file = openSync(temporary, "w", 0o600);
  try {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    for (let done = 0; done < bytes.length;) {
      done += writeSync(file, bytes, done);
    }
    // Whatever the umask: the agent may be another user.
    fchmodSync(file, mode);
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  } finally {
    closeSync(file);
  }
  return temporary;
}
