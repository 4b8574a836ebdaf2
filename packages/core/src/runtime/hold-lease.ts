import { WaybillError } from "../errors.ts";
import type { RunTrace } from "../session/state.ts";
import type { World } from "./carry-out.ts";
import { specOf } from "./run-spec.ts";
import { pause } from "./ticker.ts";

/** Renews the run's lease, round after round, until the signal aborts. */
export async function holdLease(world: World, run: RunTrace, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await extendLease(world, run);
    await pause(world.clock, world.renewMs, signal);
  }
}

/**
 * Lets the run live for its lease, counted from the instant at which this process last knew that it
 * holds the session: whoever takes over later counts from later, so that no run outlives its lease
 * there. One that was frozen since extends nothing, whenever it wakes.
 */
export async function extendLease(world: World, run: RunTrace): Promise<void> {
  const { mailbox } = world;
  const heldAt = world.heldAt();
  if (run.leaseMs === undefined || heldAt === null) return;
  if (mailbox.leases === undefined) throw leasesMissing();
  await mailbox.leases.extend(mailbox.locate(specOf(world, run)), heldAt + run.leaseMs);
}

/** For a mailbox that keeps no leases. */
export function leasesMissing(): WaybillError {
  return new WaybillError(
    "LEASES_UNSUPPORTED",
    "Runs are to have a lease (`sharing.runLeaseMs`), but this mailbox keeps none. Use one that has `leases`, or leave the option out.",
  );
}
