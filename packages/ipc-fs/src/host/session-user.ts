import { randomInt } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

import { WaybillError } from "@waybill/core";
import { z } from "zod";

import { errnoOf } from "./mailbox-failure.ts";
import { hostUser } from "./run-user.ts";
import type { RunUser } from "./run-user.ts";
import { isTakenUid } from "./taken-uids.ts";
import { writeOnce } from "./write-once.ts";

/** The uids that sessions may get. */
export interface UidRange {
  readonly first: number;
  readonly count: number;
}

const ownerSchema = z.object({ uid: z.int().positive(), gid: z.int().positive() });
const ATTEMPTS = 1_000;

/**
 * The user of a session's runs. Only a root host can give a session a user of its own: then it is
 * chosen once, recorded in the session's folder, and no other session under this root gets it.
 */
export function sessionUser(options: {
  readonly root: string;
  /** The file in the session's folder that names the user. */
  readonly record: string;
  readonly session: string;
  readonly runsAs: "host" | "dedicated";
  readonly uids: UidRange;
}): RunUser | null {
  const host = hostUser();
  if (host === null || host.uid !== 0 || options.runsAs === "host") {
    return host;
  }
  const recorded = readOwner(options.record);
  if (recorded !== null) {
    return recorded;
  }
  const uid = claimUid(options.root, basename(options.session), options.uids);
  writeOnce(options.record, `${JSON.stringify({ uid, gid: uid })}\n`, 0o600);
  // The one thing here that has to outlive a power cut: this user owns the session's workspace.
  flush(options.record);
  flush(options.session);
  // Another process may have been first: what is recorded counts.
  return readOwner(options.record) ?? { uid, gid: uid };
}

function flush(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function readOwner(path: string): RunUser | null {
  try {
    return ownerSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      return null;
    }
    throw new WaybillError(
      "OWNER_UNREADABLE",
      `The record ${path} of the session's user cannot be read. Restore it: its uid owns the session's workspace.`,
      { cause: error, details: { path } },
    );
  }
}

/** One file per uid, created exclusively: two sessions never get the same. */
function claimUid(root: string, session: string, uids: UidRange): number {
  const folder = join(root, "uids");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const uid = uids.first + randomInt(uids.count);
    if (!isTakenUid(uid) && writeOnce(join(folder, String(uid)), `${session}\n`, 0o600)) {
      return uid;
    }
  }
  throw new WaybillError(
    "NO_FREE_UID",
    `No free uid was found from ${uids.first} on among ${uids.count}. Give fsMailbox a larger range as "uids".`,
    { details: { ...uids } },
  );
}
