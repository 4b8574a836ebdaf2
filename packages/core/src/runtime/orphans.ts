import type { SessionId } from "../ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { RunHandle } from "../ports/run-plan.ts";
import type { Transport } from "../ports/transport.ts";
import type { Session } from "../session/state.ts";
import type { OrchestratorOptions } from "./orchestrator.ts";
import { pause } from "./ticker.ts";

/** How long an orphan has to end by itself, in milliseconds. */
const graceMs = 10_000;

/** What a sweep needs. */
export interface SweepParts {
  /** Only what belongs to this store is looked at, at these agents' transports and gateways. */
  readonly options: Pick<OrchestratorOptions, "agents" | "store" | "sweepMs">;
  readonly stateOf: (id: SessionId) => Promise<Session>;
  readonly hasEnded: (id: SessionId) => boolean;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Sweeps now and from then on, until the signal aborts. */
export async function sweepRegularly(parts: SweepParts): Promise<void> {
  const { options, clock, signal } = parts;
  while (!signal.aborted) {
    await sweepOrphans(parts);
    await sweepBooks(parts);
    if (!signal.aborted) await pause(clock, options.sweepMs ?? 300_000, signal);
  }
}

/**
 * Stops and removes runs that belong to no session any more. A run's request is recorded before it
 * starts, so one that the state, read after the listing, does not know is an orphan for certain.
 */
async function sweepOrphans(parts: SweepParts): Promise<void> {
  const { agents, store } = parts.options;
  for (const transport of new Set(Object.values(agents).map((agent) => agent.transport))) {
    try {
      for (const run of await transport.list(store.id)) await sweepRun(transport, run, parts);
    } catch (error) {
      parts.logger.warn("A sweep for orphans failed; the next one tries again.", {
        transport: transport.kind,
        error: String(error),
      });
    }
  }
}

async function sweepRun(transport: Transport, run: RunHandle, parts: SweepParts): Promise<void> {
  const state = await parts.stateOf(run.sessionId);
  const wanted = state.run?.trace.runId === run.runId || state.remains.has(run.runId);
  if (wanted) return;
  parts.logger.warn("A run belongs to no session: it is stopped and removed.", {
    session: run.sessionId,
    run: run.runId,
  });
  await transport.stop(run, graceMs);
  await transport.remove(run);
}

/** A session ends when its last run is removed, and by then all that gateways saw of it is recorded. */
async function sweepBooks({ options, hasEnded, logger }: SweepParts): Promise<void> {
  const { agents, store } = options;
  for (const gateway of new Set(Object.values(agents).flatMap((agent) => agent.gateway ?? []))) {
    try {
      await gateway.tidy(store.id, hasEnded);
    } catch (error) {
      logger.warn(
        "The books of ended sessions could not be let go of; the next sweep tries again.",
        {
          error: String(error),
        },
      );
    }
  }
}
