import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";

import { WaybillError } from "@waybill/core";
import type { Instant } from "@waybill/core";

import { errnoOf } from "./mailbox-failure.ts";
import type { RunPaths } from "./run-paths.ts";
import { writeOnce } from "./write-once.ts";

/** Makes the lease of a run, which has ended already: nothing begins before somebody extends it. */
export function makeLease({ lease }: Pick<RunPaths, "lease">): void {
  writeOnce(lease, lineOf(0), 0o644);
}

/**
 * Lets the run live until this instant; an earlier one than what stands there changes nothing. The
 * file keeps its inode and its length, since a container has this very file mounted, and a reader
 * sees the old line or the new.
 */
export function extendLease({ lease, run }: Pick<RunPaths, "lease" | "run">, until: Instant): void {
  const file = openLease(lease, run);
  try {
    if (Number(readFileSync(file, "utf8")) < until) writeSync(file, lineOf(until), 0);
  } finally {
    closeSync(file);
  }
}

function openLease(lease: string, run: string): number {
  try {
    return openSync(lease, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    throw new WaybillError(
      "LEASE_MISSING",
      `The run in ${run} has no lease to extend: it was prepared without one, or was removed.`,
      { class: "transient", cause: error, details: { path: lease } },
    );
  }
}

/** As long for every instant until the year 33658. */
function lineOf(until: Instant): string {
  return `${String(Math.floor(until)).padStart(15, "0")}\n`;
}
