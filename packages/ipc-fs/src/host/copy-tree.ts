import {
  closeSync,
  existsSync,
  fchownSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { WaybillError } from "@waybill/core";

import { makeFolder } from "./make-place.ts";
import type { RunUser } from "./run-user.ts";
import { openSafeFolder } from "./safe-folder.ts";
import type { SafeFolder } from "./safe-folder.ts";

/** What a fork may take over at most: an agent's memory, not a disk. */
const LIMITS = { entries: 20_000, bytes: 1_073_741_824, fileBytes: 268_435_456, depth: 32 };

/**
 * Copies a folder that an untrusted program may be changing meanwhile: its regular files and
 * folders, nothing else, following no link. All or nothing: the copy gets its name last, and one
 * that is there is kept. Throws `STATE_TOO_LARGE` over the limits.
 */
export function copyTree(from: string, to: string, owner: RunUser | null): void {
  if (existsSync(to) || !isFolder(from)) return;
  const unfinished = `${to}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  copyFolder(from, unfinished, owner, { ...LIMITS });
  renameSync(unfinished, to);
}

type Room = { entries: number; bytes: number; fileBytes: number; depth: number };

function copyFolder(from: string, to: string, owner: RunUser | null, room: Room): void {
  if (room.depth === 0) throw tooLarge("it is nested too deep");
  makeFolder(to, 0o700, owner);
  const folder = openSafeFolder(from);
  try {
    const { names, all } = folder.names(room.entries);
    if (!all) throw tooLarge("it has too many files");
    for (const name of names) copyEntry(folder, name, join(to, name), owner, room);
  } finally {
    folder.close();
  }
}

function copyEntry(
  folder: SafeFolder,
  name: string,
  to: string,
  owner: RunUser | null,
  room: Room,
): void {
  room.entries -= 1;
  if (room.entries < 0) throw tooLarge("it has too many files");
  const entry = folder.look(name);
  if (entry === null) return;
  if (!entry.isFile) {
    if (!isFolder(folder.at(name))) return; // a link, a FIFO or a device is nobody's memory
    room.depth -= 1;
    copyFolder(folder.at(name), to, owner, room);
    room.depth += 1;
    return;
  }
  const reading = folder.read(name, Math.min(room.bytes, room.fileBytes), true);
  if (reading.type === "refused") throw tooLarge(`${name} cannot be taken over: ${reading.reason}`);
  if (reading.type !== "file") return;
  room.bytes -= reading.bytes.length;
  writeFor(owner, to, reading.bytes);
}

function writeFor(owner: RunUser | null, path: string, bytes: Uint8Array): void {
  const file = openSync(path, "wx", 0o600);
  try {
    if (owner !== null) fchownSync(file, owner.uid, owner.gid);
    writeFileSync(file, bytes);
  } finally {
    closeSync(file);
  }
}

function isFolder(path: string): boolean {
  try {
    return lstatSync(path).isDirectory();
  } catch {
    return false; // gone, or never there: there is nothing to take over
  }
}

function tooLarge(why: string): WaybillError {
  return new WaybillError(
    "STATE_TOO_LARGE",
    `The state of the session to fork from cannot be copied: ${why}. Fork from a session whose agent keeps less in its state folder.`,
  );
}
