import { randomBytes } from "node:crypto";
import { lchownSync, lstatSync, mkdirSync, readlinkSync, renameSync, symlinkSync } from "node:fs";
import type { Stats } from "node:fs";

import { openSafeFolder } from "./safe-folder.ts";
import type { SafeFolder } from "./safe-folder.ts";
import type { RunPaths } from "./run-paths.ts";
import type { RunUser } from "./run-user.ts";

/** The folders of a protocol-0 run, by the names that they have under `ipc/`. */
export const OLD_FOLDERS = ["input", "messages", "tasks"] as const;

/**
 * Protocol 0: makes `ipc/{input,messages,tasks}` in the workspace lead to the run's own folders, so
 * that one run never eats another's files. A container gets mounts there, for which empty folders
 * must stand ready. A child process sees the host's paths and gets links: they are the agent's to
 * break, but the host never goes through them.
 */
export function prepareOldWorkspace(
  paths: RunPaths,
  user: RunUser | null,
  runsAs: "host" | "dedicated",
): void {
  const workspace = openSafeFolder(paths.workspace);
  try {
    makeOwnFolder(workspace, "ipc", user);
    const ipc = openSafeFolder(workspace.at("ipc"));
    try {
      for (const name of OLD_FOLDERS) {
        if (runsAs === "host") {
          makeLink(ipc, name, paths[name]);
        } else {
          makeOwnFolder(ipc, name, user);
        }
      }
    } finally {
      ipc.close();
    }
  } finally {
    workspace.close();
  }
}

function makeOwnFolder(parent: SafeFolder, name: string, user: RunUser | null): void {
  const there = lookAt(parent, name);
  if (there?.isDirectory() === true) {
    return;
  }
  if (there !== undefined) {
    setAside(parent, name);
  }
  mkdirSync(parent.at(name), 0o700);
  if (user !== null) {
    lchownSync(parent.at(name), user.uid, user.gid);
  }
}

function makeLink(parent: SafeFolder, name: string, target: string): void {
  const there = lookAt(parent, name);
  if (there?.isSymbolicLink() === true && readlinkSync(parent.at(name)) === target) {
    return;
  }
  if (there !== undefined && !parent.remove(name)) {
    setAside(parent, name);
  }
  // A junction, on Windows: unlike a link, it needs no privilege.
  symlinkSync(target, parent.at(name), "junction");
}

/** What an earlier run left there may be worth something to a person, so it is kept. */
function setAside(parent: SafeFolder, name: string): void {
  renameSync(parent.at(name), parent.at(`${name}.aside-${randomBytes(4).toString("hex")}`));
}

function lookAt(parent: SafeFolder, name: string): Stats | undefined {
  return lstatSync(parent.at(name), { throwIfNoEntry: false });
}
