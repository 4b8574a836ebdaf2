import { existsSync } from "node:fs";

import { openLinuxFolder } from "./linux-folder.ts";
import { openPortableFolder } from "./portable-folder.ts";

/** What reading a file of an untrusted program gave. */
export type FolderReading =
  | { readonly type: "absent" }
  /**
   * Not now. `linked`: it has another name, as a file has that is about to get its final one.
   * `held`: a lease or a swap kept it from being opened.
   */
  | { readonly type: "busy"; readonly why: "linked" | "held"; readonly reason: string }
  /** The host is short of something, or the folder is closed to it: never the file's own fault. */
  | { readonly type: "unreachable"; readonly error: unknown }
  | { readonly type: "file"; readonly bytes: Buffer; readonly changedAt: number }
  /** Something that is no readable file: never opened, or not read further than the limit. */
  | { readonly type: "refused"; readonly code: string; readonly reason: string };

/** What stands under a name, without opening it. */
export interface FolderEntry {
  readonly isFile: boolean;
  readonly size: number;
  /** Bytes on the disk, which a sparse file has fewer of than `size`. */
  readonly allocated: number;
  /** Milliseconds since 1970. Of the inode, so that no program can choose it. */
  readonly changedAt: number;
  readonly inode: number;
}

/**
 * A folder that an untrusted program may change at any moment: rename it, swap it or its files for
 * links, plant FIFOs. Names are single path components. Everything is synchronous: these are a few
 * system calls on local files, and nothing can block in them.
 */
export interface SafeFolder {
  /** The path to watch: that of the folder itself, even if its name is given to another one. */
  readonly watchPath: string;
  /** A path to this name in the folder itself. Only for operations that do not follow a last link. */
  at(name: string): string;
  /** When a name was last added or removed, in milliseconds since 1970. */
  changedAt(): number;
  /** What stands under the name; null for nothing. Never follows a link. */
  look(name: string): FolderEntry | null;
  /**
   * Reads a regular file of at most `limit` bytes. `linked` allows more than one hard link; without
   * it such a file is `busy`, since an agent may be about to give it its final name.
   */
  read(name: string, limit: number, linked: boolean): FolderReading;
  /** Opens a regular file for reading and gives its descriptor; null for nothing or anything else. */
  open(name: string): number | null;
  /** Some names, at most `limit`; `all` tells whether there are no more. In no order. */
  names(limit: number): { readonly names: readonly string[]; readonly all: boolean };
  /** Every name, one at a time; the folder is listed as far as it is asked for. In no order. */
  walk(): Iterator<string>;
  /** Removes a file or an empty folder. False where it cannot be removed so. */
  remove(name: string): boolean;
  close(): void;
}

/**
 * Opens a folder whose parent only the host may write. On Linux everything goes through its
 * descriptor, which no swap can redirect; elsewhere through its path, with the checks that the
 * platform has: docs/security.md says what is weaker there.
 */
export function openSafeFolder(path: string): SafeFolder {
  return canUseDescriptors() ? openLinuxFolder(path) : openPortableFolder(path);
}

/** Whether this platform lets the host reach files through a folder's descriptor. */
export function canUseDescriptors(): boolean {
  return process.platform === "linux" && existsSync("/proc/self/fd");
}
