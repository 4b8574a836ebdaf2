import { readdir } from "node:fs/promises";
import { join } from "node:path";
import fse from "fs-extra";
import { WaybillError } from "@waybill/core";
import type { RunHandle } from "@waybill/core";
import { forbidRun } from "./forbid-run.ts";
import { runFiles } from "./records.ts";
import { readRun } from "./run-state.ts";
import type { Here } from "./run-state.ts";
import { settleRun } from "./settle-run.ts";

/**
 * Removes the launcher's log and unfinished drafts of a run that has ended. The small records stay:
 * they are the memory that this run id must never run again. Throws `RUN_ALIVE`.
 */
export async function removeRun(here: Here, run: RunHandle): Promise<void> {
  const state = await readRun(here, run);
  if (state.type === "alive" || state.type === "elsewhere") {
    throw new WaybillError(
      "RUN_ALIVE",
      `Run ${run.runId} cannot be removed while it is alive: stop it first.`,
      { details: { runId: run.runId } },
    );
  }
  await forbidRun(run);
  if (state.type === "dead") await settleRun(here, run, state);
  await fse.remove(runFiles(run).log);
  for (const folder of [run.control, run.launch.host]) {
    const drafts = (await readdir(folder)).filter((name) => isDraft(name));
    await Promise.all(drafts.map((name) => fse.remove(join(folder, name))));
  }
}

function isDraft(name: string): boolean {
  return /^(?:started|launcher\.json|agent\.json|exit\.json|stopped\.json)\.[0-9a-f-]{36}\.tmp$/u.test(
    name,
  );
}
