import type { SessionId } from "../ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { RunHandle } from "../ports/run-plan.ts";
import type { Transport } from "../ports/transport.ts";
import type { Session } from "../session/state.ts";
import { pause } from "./ticker.ts";

/** How long an orphan has to end by itself, in milliseconds. */
const graceMs = 10_000;

/** What a sweep needs. */
export interface SweepParts {
  /** Only runs with this mark are looked at. */
  readonly owner: string;
  readonly transports: ReadonlySet<Transport>;
  readonly stateOf: (id: SessionId) => Promise<Session>;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Between sweeps, in milliseconds. */
  readonly everyMs: number;
  readonly signal: AbortSignal;
}

/** Sweeps now and from then on, until the signal aborts. */
export async function sweepRegularly(parts: SweepParts): Promise<void> {
  while (!parts.signal.aborted) {
    await sweepOrphans(parts);
    if (!parts.signal.aborted) await pause(parts.clock, parts.everyMs, parts.signal);
  }
}

/**
 * Stops and removes runs that belong to no session any more. A run's request is recorded before it
 * starts, so one that the state, read after the listing, does not know is an orphan for certain.
 */
async function sweepOrphans(parts: SweepParts): Promise<void> {
  for (const transport of parts.transports) {
    try {
      for (const run of await transport.list(parts.owner)) await sweepRun(transport, run, parts);
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
