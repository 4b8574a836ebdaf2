import { setTimeout as pause } from "node:timers/promises";
import { WaybillError } from "@waybill/core";
import type { RunExit, RunHandle } from "@waybill/core";
import { elsewhereError } from "./elsewhere-error.ts";
import { readOwn } from "./exclusive-file.ts";
import { folderChanges } from "./folder-changes.ts";
import { forbidRun } from "./forbid-run.ts";
import { killProcesses, processesOf } from "./kill-processes.ts";
import type { RunProcesses } from "./kill-processes.ts";
import { whereIs } from "./place.ts";
import { isAlive, signalProcess } from "./process-table.ts";
import { parseClaim, runFiles } from "./records.ts";
import { readRun } from "./run-state.ts";
import type { Here, LiveRun } from "./run-state.ts";
import { settleRun } from "./settle-run.ts";

/**
 * Forbids the run, asks its agent to end, kills what does not, and resolves once nothing is left,
 * with how it ended; null where it never ran. Throws `STOP_FAILED` where something outlives a kill.
 */
export async function stopRun(
  here: Here,
  run: RunHandle,
  graceMs: number,
): Promise<RunExit | null> {
  await forbidRun(run);
  const state = await readRun(here, run);
  switch (state.type) {
    case "alive":
      return stopLiveRun(here, run, state, graceMs);
    case "dead":
      return await settleRun(here, run, state);
    case "exited":
      await verifyEnded(here, run);
      return state.exit;
    case "elsewhere":
      throw elsewhereError(run, state.claim);
    case "none":
    case "unknown":
    case "forbidden":
      return stopUnrecorded(here, run);
  }
}

/** Nothing was ever recorded; or its folders are lost, and it runs without them. */
async function stopUnrecorded(here: Here, run: RunHandle): Promise<RunExit | null> {
  const unknown = { runId: run.runId, launcher: { pid: 0, startTime: 0 }, agent: null };
  if (processesOf(here.table, unknown).length === 0) return null;
  const dead = { claim: null, agent: null, restarted: false };
  return settleRun(here, run, dead, "SIGKILL");
}

async function stopLiveRun(
  here: Here,
  run: RunHandle,
  live: LiveRun,
  graceMs: number,
): Promise<RunExit> {
  const asked = await endWithin(here, run, graceMs, asker(here));
  const exit = asked ?? (await kill(here, run, live));
  await verify(here, { runId: run.runId, launcher: live.claim.launcher, agent: live.agent });
  return exit;
}

/**
 * TERM goes to the agent's first process alone: a whole group would die without a result. The
 * launcher passes it on, since a parent cannot mistake its child; unless it dies before it does.
 */
function asker(here: Here): (live: LiveRun) => void {
  let asked: "nobody" | "launcher" | "agent" = "nobody";
  return (live) => {
    if (live.launcherAlive) {
      if (asked === "nobody") signalProcess(here.table, live.claim.launcher, "SIGTERM");
      asked = "launcher";
    } else if (live.agent !== null && asked !== "agent") {
      signalProcess(here.table, live.agent, "SIGTERM");
      asked = "agent";
    }
  };
}

/** How the run ended, or null where it has not within this time. */
async function endWithin(
  here: Here,
  run: RunHandle,
  ms: number,
  look: (live: LiveRun) => void = () => undefined,
): Promise<RunExit | null> {
  using changes = folderChanges(run.control);
  const deadline = performance.now() + ms;
  for (;;) {
    const state = await readRun(here, run);
    if (state.type === "exited") return state.exit;
    if (state.type === "dead") return await settleRun(here, run, state);
    if (state.type === "alive") look(state);
    const left = deadline - performance.now();
    if (left <= 0) return null;
    await changes.next(Math.min(left, 100));
  }
}

async function kill(here: Here, run: RunHandle, before: LiveRun): Promise<RunExit> {
  const now = await readRun(here, run);
  const { claim, agent } = now.type === "alive" ? now : before;
  await killProcesses(here.table, { runId: run.runId, launcher: claim.launcher, agent });
  if (isAlive(here.table, claim.launcher)) {
    const seen = await endWithin(here, run, launcherPatienceMs);
    if (seen !== null) return seen;
    // It does not record what it saw: it is stopped, or its disk is full.
    signalProcess(here.table, claim.launcher, "SIGKILL");
  }
  return settleRun(here, run, { claim, agent, restarted: false }, "SIGKILL");
}

const launcherPatienceMs = 3_000;

/** The launcher has seen to it; but it may have been told that something would not die. */
async function verifyEnded(here: Here, run: RunHandle): Promise<void> {
  const claim = parseClaim(await readOwn(runFiles(run).claim));
  if (claim === null || whereIs(claim.place, here.place) !== "here") return;
  await verify(here, { runId: run.runId, launcher: claim.launcher, agent: null });
}

/** Nothing of the run may be left, and its launcher, which has nothing more to do, goes too. */
async function verify(here: Here, processes: RunProcesses): Promise<void> {
  const left = await killProcesses(here.table, processes);
  const deadline = performance.now() + 1_000;
  while (isAlive(here.table, processes.launcher) && performance.now() < deadline) await pause(10);
  signalProcess(here.table, processes.launcher, "SIGKILL");
  if (left.length === 0) return;
  const pids = left.map((ref) => ref.pid);
  throw new WaybillError(
    "STOP_FAILED",
    `Processes ${pids.join(", ")} of run ${processes.runId} outlived SIGKILL (another user's, or stuck in the kernel): end them by hand, then stop the run again.`,
    { class: "transient", details: { runId: processes.runId, pids } },
  );
}
