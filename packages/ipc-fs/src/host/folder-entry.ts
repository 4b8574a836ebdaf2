import { rmdirSync, unlinkSync } from "node:fs";
import type { Stats } from "node:fs";

import { isPassing } from "../passing-failure.ts";
import { errnoOf } from "./mailbox-failure.ts";
import type { FolderReading } from "./safe-folder.ts";

/** Removes a file or an empty folder; true also where nothing stands there. */
export function removeEntry(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      return true;
    }
  }
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    return errnoOf(error) === "ENOENT";
  }
}

/** The refusal of a file with too many bytes. */
export function tooLarge(limit: number): FolderReading {
  return { type: "refused", code: "TOO_LARGE", reason: `It has more than ${limit} bytes.` };
}

/** What stands there, in words. */
export function kindOf(stats: Stats): string {
  if (stats.isSymbolicLink()) return "a link";
  if (stats.isDirectory()) return "a folder";
  if (stats.isFIFO()) return "a FIFO";
  if (stats.isSocket()) return "a socket";
  return "a device";
}

/** What it means that a file could be looked at and yet not be read. */
export function unreadable(error: unknown): FolderReading {
  const reason = errnoOf(error);
  if (reason === "EAGAIN" || reason === "EWOULDBLOCK") {
    return { type: "busy", why: "held", reason };
  }
  return isPassing(error)
    ? { type: "unreachable", error }
    : { type: "refused", code: "UNREADABLE_FILE", reason: `It cannot be opened (${reason}).` };
}
