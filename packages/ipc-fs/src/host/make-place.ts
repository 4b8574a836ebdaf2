import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
} from "node:fs";
import { dirname } from "node:path";

import { errnoOf, fileError } from "./mailbox-failure.ts";
import type { RunUser } from "./run-user.ts";

/**
 * Makes a folder with exactly this mode and owner, whatever the umask; keeps one that is there. Its
 * parent must be a folder that only the host may write.
 */
export function makeFolder(path: string, mode: number, owner: RunUser | null): void {
  try {
    mkdirSync(path, mode);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") {
      throw error;
    }
  }
  const stats = lstatSync(path);
  if (!stats.isDirectory()) {
    throw fileError("ENOTDIR", `${path} is not a folder.`);
  }
  if (owner !== null && (stats.uid !== owner.uid || stats.gid !== owner.gid)) {
    chownSync(path, owner.uid, owner.gid);
  }
  if (owner !== null && (stats.mode & 0o7777) !== mode) {
    chmodSync(path, mode);
  }
}

/**
 * Makes the mailbox's root and what is missing above it. One level at a time: asked for all of them,
 * Node never returns where a file system refuses with "no such entry", as /proc does.
 */
export function makeRoot(path: string): void {
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    if (errnoOf(error) === "EEXIST") {
      return;
    }
    if (errnoOf(error) !== "ENOENT" || existsSync(dirname(path))) {
      throw error;
    }
    makeRoot(dirname(path));
    mkdirSync(path, 0o700);
  }
}

/** As `makeFolder`, for an empty file that programs append to. */
export function makeLogFile(path: string, owner: RunUser | null): void {
  const flags =
    constants.O_CREAT | constants.O_WRONLY | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0);
  const file = openSync(path, flags, 0o600);
  try {
    const stats = fstatSync(file);
    if (owner === null) {
      return;
    }
    if (stats.uid !== owner.uid || stats.gid !== owner.gid) {
      fchownSync(file, owner.uid, owner.gid);
    }
    if ((stats.mode & 0o7777) !== 0o600) {
      fchmodSync(file, 0o600);
    }
  } finally {
    closeSync(file);
  }
}
