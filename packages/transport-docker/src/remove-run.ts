import { setTimeout as pause } from "node:timers/promises";
import { WaybillError } from "@waybill/core";
import type { RunHandle } from "@waybill/core";
import { excerpt } from "./engine/failure.ts";
import { findContainer } from "./place.ts";
import type { Place } from "./place.ts";
import { recordEnd } from "./records/control.ts";
import { forbidStart } from "./records/marker.ts";

/** How many times a removal may be under way by someone else, or fail for a while. */
const attempts = 5;

/**
 * Removes the container of a run that has ended, and only that: one that still runs is refused with
 * `RUN_ALIVE`. Afterwards the marker is there even where the run had deleted it.
 */
export async function removeRun(place: Place, run: RunHandle): Promise<void> {
  let said = "";
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const container = await findContainer(place, run);
    if (container?.status === "running" || container?.status === "paused") throw alive(run);
    await recordEnd(run);
    await forbidStart(run);
    if (container === null) return;
    // Without --force, so that a start in this very moment is not undone.
    const result = await place.engine.remove(container.id);
    if (result.ok) return;
    said = excerpt(result.stderr);
    await pause(200);
  }
  throw new WaybillError(
    "REMOVE_FAILED",
    `The container of the run ${run.runId} could not be removed. The engine said: ${said}`,
    { class: "transient", details: { runId: run.runId, said } },
  );
}

function alive(run: RunHandle): WaybillError {
  return new WaybillError(
    "RUN_ALIVE",
    `The run ${run.runId} is alive and cannot be removed. Stop it first.`,
    { details: { runId: run.runId } },
  );
}
