import { setTimeout as pause } from "node:timers/promises";
import type { RunPlan } from "@waybill/core";
import type { Container } from "../engine/container.ts";
import { neverRan } from "../never-ran.ts";
import { findContainer, holdsMarker } from "../place.ts";
import type { Place } from "../place.ts";
import { readMarker } from "../records/marker.ts";
import { engineCouldNotStart, isNameTaken, runEnded, startLineFailed } from "./start-failure.ts";
import { startLineCode } from "./start-line.ts";

/** How long a container may stay created before another starter takes the start over. */
const createdGraceMs = 1_000;
/** How long a running container may take to show the marker; after that, running is enough. */
const markerGraceMs = 5_000;

/**
 * Sees a container through to the point where the run's program exists, whoever made it, and resolves
 * with the container. Throws where it turns out that this container never becomes the run.
 *
 * @param said the engine's words where this starter's own attempt failed.
 */
export async function settleStart(
  place: Place,
  plan: RunPlan,
  program: string,
  said: string,
): Promise<Container> {
  const began = performance.now();
  for (;;) {
    const container = await findContainer(place, plan);
    const passed = performance.now() - began;
    if (container === null) {
      // It was there a moment ago, or the engine refused to make it.
      if ((await readMarker(plan)) !== null) throw runEnded(plan);
      // An engine gives a name away a moment before it tells of the container.
      if (isNameTaken(said) && passed < createdGraceMs) {
        await pause(20);
        continue;
      }
      throw engineCouldNotStart(plan, said, place.engine.program);
    }
    if (await holdsMarker(plan, container)) return container;
    if (container.status === "ended") return await judgeEnd(place, plan, program, container);
    if (container.status === "created" && (passed > createdGraceMs || container.error !== "")) {
      await resume(place, plan, container);
    }
    if (container.status === "running" && passed > markerGraceMs) return container;
    if (passed > createdGraceMs + markerGraceMs) {
      throw engineCouldNotStart(
        plan,
        `The container stays ${container.status}. ${said}`,
        place.engine.program,
      );
    }
    await pause(20);
  }
}

/** A container that ended without its token in the marker. */
async function judgeEnd(
  place: Place,
  plan: RunPlan,
  program: string,
  container: Container,
): Promise<Container> {
  // It ran, and did something to its marker.
  if (!(await neverRan(plan, container))) return container;
  const taken = (await readMarker(plan)) !== null;
  // It is no record of anything, and the next attempt needs its name.
  await place.engine.remove(container.id);
  if (taken && container.exitCode === startLineCode.marker) throw runEnded(plan);
  throw startLineFailed(plan, container.exitCode, program);
}

/** Starts what somebody else made and did not start: its command line may have been killed. */
async function resume(place: Place, plan: RunPlan, container: Container): Promise<void> {
  const result = await place.engine.start(container.id);
  if (result.ok) return;
  const now = await findContainer(place, plan);
  if (now?.status !== "created") return;
  const said = now.error === "" ? result.stderr : now.error;
  throw engineCouldNotStart(plan, said, place.engine.program);
}
