import { existsSync, readdirSync } from "node:fs";
import { controlSocket, ledgerFile, recordsFolder, wayFolder, wayRecord } from "./way-spec.ts";
import type { LedgerOwner } from "./way-spec.ts";

/**
 * Whether there is anything of the run here. A process is not started only to hear that it knows
 * nothing of it.
 */
export function runLeftTraces(root: string, run: { sessionId: string; runId: string }): boolean {
  return existsSync(wayRecord(root, run)) || existsSync(wayFolder(root, run));
}

/** Whether there may be anything of the session here: a record does not say whose it is. */
export function sessionLeftTraces(root: string, session: LedgerOwner): boolean {
  const folder = recordsFolder(root);
  if (existsSync(controlSocket(root)) || existsSync(ledgerFile(root, session))) return true;
  return existsSync(folder) && readdirSync(folder).length > 0;
}
