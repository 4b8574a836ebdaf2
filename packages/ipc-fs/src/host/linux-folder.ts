import { closeSync, constants, fstatSync, lstatSync, openSync } from "node:fs";
import type { Stats } from "node:fs";

import { kindOf, removeEntry, tooLarge, unreadable } from "./folder-entry.ts";
import { BLOCK_BYTES, folderNames, walkNames } from "./folder-names.ts";
import { errnoOf } from "./mailbox-failure.ts";
import { readDescriptor } from "./read-descriptor.ts";
import type { FolderReading, SafeFolder } from "./safe-folder.ts";

/** From `<fcntl.h>`; Node does not name it. The descriptor names a file without opening it. */
const O_PATH = 0o10_000_000;
const { O_DIRECTORY, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/**
 * A folder through its descriptor: `/proc/self/fd/<n>/<name>` starts at the folder itself, whatever
 * its path leads to by now. A file is named by an O_PATH descriptor first, looked at, and only then
 * opened through that descriptor, so that what was looked at is what is read.
 */
export function openLinuxFolder(path: string): SafeFolder {
  const folder = openSync(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  const at = (name: string): string => `/proc/self/fd/${folder}/${name}`;
  let filesInARow = 0;

  return {
    watchPath: `/proc/self/fd/${folder}`,
    at,
    changedAt: () => fstatSync(folder).ctimeMs,
    look(name) {
      const stats = lstatSync(at(name), { throwIfNoEntry: false });
      return stats === undefined
        ? null
        : {
            isFile: stats.isFile(),
            size: stats.size,
            allocated: stats.blocks * BLOCK_BYTES,
            changedAt: stats.ctimeMs,
            inode: stats.ino,
          };
    },
    read(name, limit, linked) {
      try {
        const isLikely = filesInARow >= LIKELY_AFTER;
        const reading = withPathDescriptor(at(name), isLikely, (descriptor, stats) =>
          readLooked(descriptor, stats, { limit, linked }),
        ) ?? { type: "absent" };
        filesInARow = reading.type === "file" ? filesInARow + 1 : 0;
        return reading;
      } catch (error) {
        return { type: "unreachable", error };
      }
    },
    open(name) {
      return withPathDescriptor(at(name), false, (descriptor, stats) =>
        stats.isFile() ? reopen(descriptor) : null,
      );
    },
    names: (limit) => folderNames(`/proc/self/fd/${folder}`, limit),
    walk: () => walkNames(`/proc/self/fd/${folder}`),
    remove(name) {
      return removeEntry(at(name));
    },
    close: () => closeSync(folder),
  };
}

/** After so many files one after the other, the next one is likely to be there, too. */
const LIKELY_AFTER = 8;

function withPathDescriptor<Value>(
  path: string,
  isLikely: boolean,
  use: (descriptor: number, stats: Stats) => Value,
): Value | null {
  // Mostly there is nothing, and an exception costs ten times as much as this question.
  if (!isLikely && lstatSync(path, { throwIfNoEntry: false }) === undefined) {
    return null;
  }
  let descriptor: number;
  try {
    descriptor = openSync(path, O_PATH | O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      return null;
    }
    throw error;
  }
  try {
    return use(descriptor, fstatSync(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

/** O_NONBLOCK: a lease on the file would otherwise hold the whole process for many seconds. */
function reopen(descriptor: number): number {
  return openSync(`/proc/self/fd/${descriptor}`, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

function readLooked(
  pathDescriptor: number,
  stats: Stats,
  { limit, linked }: { readonly limit: number; readonly linked: boolean },
): FolderReading {
  if (!stats.isFile()) {
    return { type: "refused", code: "NOT_A_FILE", reason: `It is ${kindOf(stats)}.` };
  }
  if (stats.size > limit) {
    return tooLarge(limit);
  }
  if (stats.nlink > 1 && !linked) {
    return { type: "busy", why: "linked", reason: `It has ${stats.nlink} names.` };
  }
  try {
    const file = reopen(pathDescriptor);
    try {
      const bytes = readDescriptor(file, limit, stats.size);
      return bytes === null ? tooLarge(limit) : { type: "file", bytes, changedAt: stats.ctimeMs };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return unreadable(error);
  }
}
