import { isWaybillError } from "@waybill/core";
import type { Logger, RunHandle, RunSighting } from "@waybill/core";
import { folderChanges } from "./folder-changes.ts";
import { readRun } from "./run-state.ts";
import type { Here, LiveRun, RunState } from "./run-state.ts";
import { settleRun } from "./settle-run.ts";
import { signalProcess } from "./process-table.ts";
import { warn } from "./warn.ts";

/** How a run is watched. */
export interface WatchOptions {
  /** How often to look at its processes, in milliseconds; its records are noticed at once. */
  readonly pollMs: number;
  readonly logger: Logger | undefined;
}

/**
 * Follows a run until it has ended, there is evidence that it never began, or the signal aborts.
 *
 * @yields `running` once it is seen alive, then `exited`; or `absent`.
 */
export async function* watchRun(
  here: Here,
  options: WatchOptions,
  run: RunHandle,
  signal: AbortSignal,
): AsyncGenerator<RunSighting, void, undefined> {
  using changes = folderChanges(run.control, signal);
  let running = false;
  let agentGoneAt: number | null = null;
  let told = "";
  while (!signal.aborted) {
    const state = await readOrExplain(here, run);
    const end = await endOf(here, run, state);
    if (end !== null) {
      yield end;
      return;
    }
    if (state.type === "alive") {
      if (!running) yield { type: "running" };
      running = true;
      agentGoneAt = isOver(state) ? (agentGoneAt ?? performance.now()) : null;
      if (agentGoneAt !== null && performance.now() - agentGoneAt > launcherPatienceMs) {
        signalProcess(here.table, state.claim.launcher, "SIGKILL");
      }
    } else {
      const why = state.type === "unknown" ? state.why : `it belongs to ${placeOf(state)}`;
      if (why !== told)
        warn(options.logger, "A run cannot be seen for now.", { runId: run.runId, why });
      told = why;
    }
    await changes.next(options.pollMs);
  }
}

/** A launcher that has not recorded its agent's end in this time is stuck. */
const launcherPatienceMs = 15_000;

/** A disk that does not answer is no evidence: it is waited for. */
async function readOrExplain(here: Here, run: RunHandle): Promise<RunState> {
  try {
    return await readRun(here, run);
  } catch (error) {
    if (isWaybillError(error)) return { type: "unknown", why: error.message };
    throw error;
  }
}

async function endOf(here: Here, run: RunHandle, state: RunState): Promise<RunSighting | null> {
  if (state.type === "exited") return { type: "exited", exit: state.exit };
  if (state.type === "dead") return { type: "exited", exit: await settleRun(here, run, state) };
  return state.type === "none" || state.type === "forbidden" ? { type: "absent" } : null;
}

/** The agent has ended, and its launcher is about to record how. */
function isOver(state: LiveRun): boolean {
  return state.agent !== null && !state.agentAlive;
}

function placeOf(state: RunState): string {
  return state.type === "elsewhere" ? state.claim.place.host : "nobody";
}
