import type { RunExit, RunHandle } from "@waybill/core";
import { createExclusive, readOwn } from "./exclusive-file.ts";
import { killProcesses } from "./kill-processes.ts";
import { parseExit, runFiles } from "./records.ts";
import type { DeadRun, Here } from "./run-state.ts";

/**
 * Ends a run whose launcher did not live to do it: kills what is left of it and records that nobody
 * saw how it ended. The first record stays, so that everyone who asks gets the same answer.
 */
export async function settleRun(
  here: Here,
  run: RunHandle,
  dead: Omit<DeadRun, "type">,
  signal: "SIGKILL" | null = null,
): Promise<RunExit> {
  if (!dead.restarted) {
    const launcher = dead.claim?.launcher ?? { pid: 0, startTime: 0 };
    await killProcesses(here.table, { runId: run.runId, launcher, agent: dead.agent });
  }
  const detail = signal === null ? explain(dead) : "Killed by stop; its launcher did not see it.";
  const exit: RunExit = { exitCode: null, signal, oomKilled: false, detail };
  const path = runFiles(run).exit;
  await createExclusive(path, exit);
  return parseExit(await readOwn(path)) ?? exit;
}

function explain(dead: Omit<DeadRun, "type">): string {
  if (dead.restarted) return "The machine was restarted while the run was alive.";
  if (dead.claim === null) return "The run was claimed, and no process of it is left.";
  const launcher = `its launcher (pid ${dead.claim.launcher.pid})`;
  if (dead.agent === null) return `The agent was never executed: ${launcher} was killed first.`;
  return `Nobody saw how the agent (pid ${dead.agent.pid}) ended: ${launcher} was killed.`;
}
