import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { relative, resolve } from "node:path";
import { WaybillError } from "@waybill/core";
import type { PlannedFolder } from "@waybill/core";
import type { ExtraMount } from "../options.ts";

/**
 * The extra mounts with their links resolved. Throws `MOUNT_REFUSED` for one whose source is missing,
 * guarded, inside a guarded folder or around one.
 */
export function extraMounts(
  mounts: readonly ExtraMount[],
  guarded: readonly string[] = guardedPlaces(),
): PlannedFolder[] {
  return mounts.map((mount) => {
    const host = realPathOf(mount);
    const guard = guarded.find((place) => isWithin(host, place) || isWithin(place, host));
    if (guard !== undefined) {
      throw refusal(
        mount,
        `it leads to ${guard}, which a container must not see`,
        "Mount a folder of its own",
      );
    }
    return { host, at: mount.at, write: mount.write ?? false };
  });
}

/** What gives a container the host, or the host's secrets. */
function guardedPlaces(): string[] {
  const home = homedir();
  return [...ofSystem, ...ofUser.map((name) => resolve(home, name))].map(realOrSame);
}

const ofSystem = [
  "/boot",
  "/dev",
  "/proc",
  "/run",
  "/sys",
  "/etc/gshadow",
  "/etc/shadow",
  "/etc/ssh",
  "/etc/sudoers",
  "/etc/sudoers.d",
  "/etc/docker",
  "/var/lib/containerd",
  "/var/lib/containers",
  "/var/lib/docker",
];

const ofUser = [
  ".aws",
  ".azure",
  ".claude",
  ".config",
  ".docker",
  ".git-credentials",
  ".gnupg",
  ".kube",
  ".local/share/containers",
  ".netrc",
  ".npmrc",
  ".ssh",
];

/** The real path of the mount's source: what the engine would follow the links to. */
function realPathOf(mount: ExtraMount): string {
  try {
    return realpathSync(mount.host);
  } catch (cause) {
    throw refusal(mount, "it does not exist", "Make it", cause);
  }
}

function realOrSame(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // A place that is not there may be made later: guarded by the name that it would have.
    return path;
  }
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !way.startsWith("../"));
}

function refusal(mount: ExtraMount, why: string, fix: string, cause?: unknown): WaybillError {
  return new WaybillError(
    "MOUNT_REFUSED",
    `${mount.host} cannot be mounted at ${mount.at}: ${why}. ${fix}, or leave the mount out.`,
    { details: { host: mount.host, at: mount.at }, cause },
  );
}
