import { setTimeout as pause } from "node:timers/promises";
import { WaybillError } from "@waybill/core";
import type { RunExit, RunHandle } from "@waybill/core";
import type { Container } from "./engine/container.ts";
import { findContainer } from "./place.ts";
import type { Place } from "./place.ts";
import { recordEnd, recordedEngine } from "./records/control.ts";
import { forbidStart } from "./records/marker.ts";
import { runExit } from "./run-exit.ts";

/** An engine was asked for this run: that it has none now counts only if it says so twice. */
const confirmMs = 1_000;
/** How many times a container may be found alive after it was killed. */
const attempts = 5;

/**
 * Stops the run and makes sure that it can never start: its end is recorded and the marker taken
 * before the engine is asked, so that a start which comes later, or is under way, meets one of them.
 */
export async function stopRun(
  place: Place,
  run: RunHandle,
  graceMs: number,
): Promise<RunExit | null> {
  await recordEnd(run);
  await forbidStart(run);
  let missing = false;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const container = await findContainer(place, run);
    if (container === null) {
      if (missing || (await recordedEngine(run)) === null) return null;
      missing = true;
      await pause(confirmMs);
      continue;
    }
    if (container.status === "ended") return await runExit(run, container);
    await end(place, container, attempt === 0 ? graceMs : 0);
  }
  throw new WaybillError(
    "STOP_FAILED",
    `The run ${run.runId} is still alive after ${attempts} attempts to kill it. See what the engine says of its container.`,
    { class: "transient", details: { runId: run.runId } },
  );
}

async function end({ engine }: Place, container: Container, graceMs: number): Promise<void> {
  switch (container.status) {
    case "created":
      // It never ran, and with the marker taken it never will.
      await engine.remove(container.id);
      return;
    case "paused":
      // A paused process gets no signal before it goes on.
      await engine.unpause(container.id);
      await engine.stop(container.id, Math.ceil(graceMs / 1_000));
      return;
    case "running":
      if (graceMs > 0) await engine.stop(container.id, Math.ceil(graceMs / 1_000));
      else await engine.kill(container.id);
      return;
    case "removing":
    case "ended":
      await pause(200);
  }
}
