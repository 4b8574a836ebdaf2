import { closeSync, constants, fstatSync, lstatSync, openSync } from "node:fs";
import type { Stats } from "node:fs";
import { join } from "node:path";

import { kindOf, removeEntry, tooLarge, unreadable } from "./folder-entry.ts";
import { BLOCK_BYTES, folderNames, walkNames } from "./folder-names.ts";
import { fileError } from "./mailbox-failure.ts";
import { readDescriptor } from "./read-descriptor.ts";
import type { FolderReading, SafeFolder } from "./safe-folder.ts";

/** Windows has neither flag; there a link needs a privilege that agents lack. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * A folder through its path, for platforms without `/proc/self/fd`. A file is looked at, opened
 * without following a link, and compared with what was looked at. The folder itself is protected by
 * its parent, which only the host may write, and by being a mount point inside the container.
 */
export function openPortableFolder(path: string): SafeFolder {
  const opened = lstatSync(path);
  if (!opened.isDirectory()) {
    throw fileError("ENOTDIR", `${path} is ${kindOf(opened)}, not a folder.`);
  }
  const at = (name: string): string => join(path, name);

  const openChecked = (name: string): { readonly file: number; readonly stats: Stats } | null => {
    const looked = lstatSync(at(name), { throwIfNoEntry: false });
    if (looked === undefined || !looked.isFile()) {
      return null;
    }
    const file = openSync(at(name), OPEN_FLAGS);
    const stats = fstatSync(file);
    if (!stats.isFile() || stats.ino !== looked.ino || stats.dev !== looked.dev) {
      closeSync(file);
      throw fileError("EAGAIN", `${name} was swapped.`);
    }
    return { file, stats };
  };

  const readChecked = (name: string, limit: number, linked: boolean): FolderReading => {
    const looked = lstatSync(at(name), { throwIfNoEntry: false });
    if (looked === undefined) {
      return { type: "absent" };
    }
    if (!looked.isFile()) {
      return { type: "refused", code: "NOT_A_FILE", reason: `It is ${kindOf(looked)}.` };
    }
    if (looked.size > limit) {
      return tooLarge(limit);
    }
    if (looked.nlink > 1 && !linked) {
      return { type: "busy", why: "linked", reason: `It has ${looked.nlink} names.` };
    }
    try {
      const checked = openChecked(name);
      if (checked === null) {
        return { type: "busy", why: "held", reason: "It was swapped while it was opened." };
      }
      try {
        const bytes = readDescriptor(checked.file, limit, checked.stats.size);
        return bytes === null
          ? tooLarge(limit)
          : { type: "file", bytes, changedAt: checked.stats.ctimeMs };
      } finally {
        closeSync(checked.file);
      }
    } catch (error) {
      return unreadable(error);
    }
  };

  return {
    watchPath: path,
    at,
    changedAt: () => lstatSync(path).ctimeMs,
    look(name) {
      const stats = lstatSync(at(name), { throwIfNoEntry: false });
      return stats === undefined
        ? null
        : {
            isFile: stats.isFile(),
            size: stats.size,
            // Windows has no blocks.
            allocated: stats.blocks === undefined ? stats.size : stats.blocks * BLOCK_BYTES,
            changedAt: stats.ctimeMs,
            inode: stats.ino,
          };
    },
    read(name, limit, linked) {
      try {
        return readChecked(name, limit, linked);
      } catch (error) {
        return { type: "unreachable", error };
      }
    },
    open: (name) => openChecked(name)?.file ?? null,
    names: (limit) => folderNames(path, limit),
    walk: () => walkNames(path),
    remove: (name) => removeEntry(at(name)),
    close() {},
  };
}
