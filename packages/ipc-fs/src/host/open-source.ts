import { existsSync } from "node:fs";

import { WaybillError } from "@waybill/core";
import type { RunPlan } from "@waybill/core";

import { oldSource } from "./old-source.ts";
import { outboxSource } from "./outbox-source.ts";
import type { SourceOptions } from "./outbox-source.ts";
import type { RunPaths } from "./run-paths.ts";
import { readRunRecord } from "./run-record.ts";
import type { RunRecord } from "./run-record.ts";
import type { WordSource } from "./word-source.ts";

/**
 * Opens what a run says, whatever protocol it speaks; null for a run that is over and was removed,
 * which has said its last.
 */
export function openSource(
  plan: RunPlan,
  paths: RunPaths,
  options: SourceOptions,
): WordSource | null {
  if (options.isOver && existsSync(paths.removed)) {
    return null;
  }
  const record = recordOf(plan, paths);
  return record.protocol === 1 ? outboxSource(paths, options) : oldSource(paths, record, options);
}

/** The record of a run that has a mailbox here. Throws `RUN_REMOVED` or `MAILBOX_MISSING`. */
export function recordOf(plan: RunPlan, paths: RunPaths): RunRecord {
  const details = { sessionId: plan.sessionId, runId: plan.runId, path: paths.run };
  if (existsSync(paths.removed)) {
    throw new WaybillError(
      "RUN_REMOVED",
      `Run ${plan.runId} was removed; nothing more passes through its mailbox.`,
      { details },
    );
  }
  const record = readRunRecord(paths);
  if (record === null) {
    throw new WaybillError(
      "MAILBOX_MISSING",
      `Run ${plan.runId} has no mailbox in ${paths.run}: it was never prepared there, or the folder was deleted. Use the root that it was prepared under, or restore the folder.`,
      { details },
    );
  }
  return record;
}
