import fse from "fs-extra";
import type { RunHandle } from "@waybill/core";
import { createExclusive, readOwn } from "./exclusive-file.ts";
import { runFiles, tombstone } from "./records.ts";

/**
 * Makes sure that no start which is not done yet will ever be: from here on the run is either
 * claimed already, or never will be. Says so also where the mailbox has removed its folders.
 */
export async function forbidRun(run: RunHandle): Promise<void> {
  const files = runFiles(run);
  await fse.ensureDir(run.control, 0o700);
  await createExclusive(files.forbidden, { v: 1, at: Date.now() });
  if ((await readOwn(files.claim)) !== undefined) return;
  await fse.ensureDir(run.launch.host);
  await createExclusive(files.marker, tombstone);
}

/** Whether the run was stopped or removed. */
export async function isForbidden(run: RunHandle): Promise<boolean> {
  return (await readOwn(runFiles(run).forbidden)) !== undefined;
}
