import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import type { SessionId } from "@waybill/core";

import { removeEntry } from "./folder-entry.ts";
import { fileError } from "./mailbox-failure.ts";
import { makeFolder, makeRoot } from "./make-place.ts";
import { removeTree } from "./remove-tree.ts";
import { ERASED, sessionPath } from "./run-paths.ts";
import { hostUser } from "./run-user.ts";
import { writeOnce } from "./write-once.ts";

/**
 * Removes everything of a session but an empty mark. The mark comes first: who was frozen before it
 * prepares no run of the session afterwards. Safe to repeat, also after a crash half-way.
 */
export async function eraseSession(root: string, id: SessionId): Promise<void> {
  const session = sessionPath(root, id);
  makeRoot(root);
  makeFolder(join(root, "sessions"), 0o700, hostUser());
  makeFolder(session, 0o700, hostUser());
  writeOnce(join(session, ERASED), "", 0o600);
  const trash = join(session, "trash");
  makeFolder(trash, 0o700, hostUser());
  for (const folder of ["workspace", "state", "runs"]) {
    if (existsSync(join(session, folder))) await removeTree(join(session, folder), trash);
  }
  await removeTree(trash, trash);
  // What is left is the host's own: whose user the session had, and whatever a later release puts here.
  for (const name of readdirSync(session)) {
    if (name !== ERASED && !removeEntry(join(session, name))) {
      throw fileError("EPERM", `${join(session, name)} cannot be removed.`);
    }
  }
}
