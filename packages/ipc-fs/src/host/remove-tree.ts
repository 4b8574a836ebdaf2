import { chmodSync, renameSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";

import { errnoOf } from "./mailbox-failure.ts";
import { hostUser } from "./run-user.ts";
import { openSafeFolder } from "./safe-folder.ts";

/** How many names are removed before others get their turn. */
const AT_A_TIME = 512;

/**
 * Removes a folder that an untrusted program filled. Every folder in it is first moved to `trash`,
 * a folder of the host's own, under a number, and emptied there: so no path grows with the depth of
 * the tree, and no link that takes a folder's place can lead elsewhere.
 */
export async function removeTree(path: string, trash: string): Promise<void> {
  const folders = [path];
  let moved = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    await emptyFolder(folder, (inner) => {
      const target = join(trash, `${process.pid}-${Date.now()}-${moved}`);
      moved += 1;
      withRights(inner, () => renameSync(inner, target));
      folders.push(target);
    });
    unlessGone(() => rmdirSync(folder));
  }
}

async function emptyFolder(path: string, moveAway: (inner: string) => void): Promise<void> {
  const folder = unlessGone(() => openSafeFolder(path));
  if (folder === undefined) {
    return;
  }
  try {
    for (;;) {
      const { names } = withRights(path, () => folder.names(AT_A_TIME));
      if (names.length === 0) {
        return;
      }
      for (const name of names) {
        if (!folder.remove(name)) {
          moveAway(folder.at(name));
        }
      }
      await nextTurn();
    }
  } finally {
    folder.close();
  }
}

/**
 * A run of the host's own user can close its folders to the host; they are opened again. Not as
 * root, which needs no such thing and must not change the mode of what a link leads to.
 */
function withRights<Result>(path: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    if (errnoOf(error) !== "EACCES" || hostUser()?.uid === 0) {
      throw error;
    }
    chmodSync(path, 0o700);
    return act();
  }
}

function unlessGone<Result>(act: () => Result): Result | undefined {
  try {
    return act();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}
