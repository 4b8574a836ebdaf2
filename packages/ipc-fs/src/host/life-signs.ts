import { statSync } from "node:fs";

import type { Incoming } from "@waybill/core";

import { HEARTBEAT_FILE } from "../outbox-files.ts";
import type { RunPaths } from "./run-paths.ts";
import type { SafeFolder } from "./safe-folder.ts";

/** At most one sign in this time. */
const EVERY_MS = 1_000;

/**
 * Says when a run showed life: its heartbeat moved, or a stream grew. By the times of the inodes,
 * which an agent can move but not choose.
 */
export function lifeSigns(
  paths: RunPaths,
  outbox: SafeFolder | null,
): () => readonly Extract<Incoming, { type: "alive" }>[] {
  let lookedAt = Number.NEGATIVE_INFINITY;
  let latest = 0;
  return () => {
    if (performance.now() - lookedAt < EVERY_MS) {
      return [];
    }
    lookedAt = performance.now();
    const times = [
      outbox?.look(HEARTBEAT_FILE)?.changedAt ?? 0,
      lastOutput(paths.stdout),
      lastOutput(paths.stderr),
    ];
    const newest = Math.floor(Math.max(...times));
    if (newest <= latest) {
      return [];
    }
    latest = newest;
    return [{ type: "alive", at: Math.min(newest, Date.now()) }];
  };
}

/** When a stream was last written; 0 for one that is empty, since the host itself made it. */
function lastOutput(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined || stats.size === 0 ? 0 : stats.ctimeMs;
}
