import { randomBytes } from "node:crypto";
import { chownSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { WaybillError } from "@waybill/core";
import type { Logger } from "@waybill/core";
import fse from "fs-extra";

import { errnoOf, mailboxFailure } from "./mailbox-failure.ts";
import { makeRoot } from "./make-place.ts";
import { hostUser } from "./run-user.ts";
import { canUseDescriptors } from "./safe-folder.ts";
import type { UidRange } from "./session-user.ts";
import { writeOnce } from "./write-once.ts";

/**
 * Tries on the real disk what runs will need: folders, whole files, and, for a root host, giving
 * them to another user. Throws with the code and the fix, and leaves nothing behind.
 */
export async function checkRoot(
  root: string,
  uids: UidRange,
  logger: Logger | undefined,
): Promise<void> {
  const probe = join(root, `.probe-${process.pid}-${randomBytes(4).toString("hex")}`);
  const file = join(probe, "file");
  try {
    makeRoot(root);
    mkdirSync(probe, 0o700);
    writeOnce(file, "probe\n", 0o644);
    if (readFileSync(file, "utf8") !== "probe\n") {
      throw new WaybillError(
        "MAILBOX_FAILED",
        `A file written to ${root} did not read back. Choose a root on a disk that works.`,
        { details: { path: root } },
      );
    }
    if (hostUser()?.uid === 0) {
      giveAway(file, uids, root);
    }
  } catch (error) {
    throw error instanceof WaybillError ? error : mailboxFailure(error, "use its root", root);
  } finally {
    await removeProbe(probe);
  }
  if (!canUseDescriptors()) {
    logger?.warn("This platform lacks /proc/self/fd: the mailbox reads agents' files by path.", {
      root,
    });
  }
}

function giveAway(file: string, uids: UidRange, root: string): void {
  try {
    chownSync(file, uids.first, uids.first);
  } catch (error) {
    throw new WaybillError(
      "OWNER_UNSUPPORTED",
      `A file in ${root} could not be given to uid ${uids.first} (${errnoOf(error)}). Choose a root on a disk with owners, a range of "uids" that this host may use, or run the host as an ordinary user.`,
      { cause: error, details: { root, uid: uids.first } },
    );
  }
}

async function removeProbe(probe: string): Promise<void> {
  try {
    await fse.remove(probe);
  } catch (error) {
    // Below a file that stands in the way there is no probe to remove.
    if (errnoOf(error) !== "ENOTDIR") {
      throw mailboxFailure(error, "remove its probe", probe);
    }
  }
}
