import type { PlannedFolder, PlannedValue, RunPlan } from "./run-plan.ts";

/** What a gateway adds to a run's plan. */
export interface Attachment {
  readonly folders: readonly PlannedFolder[];
  readonly env: Readonly<Record<string, PlannedValue>>;
}

/**
 * Gives a run its way to the model without giving it a key. It outlives the orchestrator, so that a
 * request in flight survives the orchestrator's death.
 */
export interface Gateway {
  /** Resolves if runs could be attached now; throws with a code and the fix otherwise. */
  check(signal?: AbortSignal): Promise<void>;

  /** Opens the run's way and resolves once it answers. Safe to repeat, also while the run lives. */
  attach(plan: RunPlan): Promise<Attachment>;

  /** Closes the run's way. Safe to repeat. */
  detach(run: { readonly sessionId: string; readonly runId: string }): Promise<void>;

  /** Lets go of connections, never of the ways of live runs. */
  close(): Promise<void>;
}
