import type { RunDrained } from "../../events/run-events.ts";
import type { RestartScheduled, SessionParked } from "../../events/session-events.ts";
import type { Failure } from "../../errors.ts";
import type { Instant, RunId } from "../../ids.ts";
import type { RunExit } from "../../ports/transport.ts";
import { backOff } from "../back-off.ts";
import type { Decision } from "../decision.ts";
import type { Session } from "../state.ts";
import { withdraw } from "./approval-rules.ts";
import { current } from "./run-rules.ts";

/** Everything that the run said is recorded: it is over, for good or for bad. */
export function finishRun(decision: Decision, runId: RunId): void {
  const run = current(decision, runId);
  if (run === null || run.phase.type !== "over") return;
  const failure = failureOfRun(decision.state);
  decision.emit<RunDrained>("RunDrained", { runId, mark: run.mark });
  withdraw(decision, "run_over", ({ operation }) => operation.runId === runId);
  if (failure?.class === "rate") parkForLimit(decision, failure, run.setback?.resetsAt ?? 0);
  else if (failure !== null) countFailure(decision, failure);
}

/**
 * Nothing is tried before the limit ends. Where nobody said when that is, or it was not so, the wait
 * grows; and after too many in a row a person has to look.
 */
function parkForLimit(decision: Decision, failure: Failure, resetsAt: Instant): void {
  const { now, state } = decision;
  const { retryCapMs, rateLimitMs, rateLimits } = state.policy;
  const attempt = state.restart.limits + 1;
  const grown = backOff({ retryMs: retryCapMs, retryCapMs: rateLimitMs }, attempt, state.id);
  const wait = Math.max(grown, resetsAt - now, failure.retryAfterMs ?? 0);
  decision.emit<SessionParked>("SessionParked", {
    reason: "rate_limited",
    failure,
    until: attempt > rateLimits ? null : now + Math.min(wait, rateLimitMs),
  });
}

/** A run that cannot start, or a row of bad ends, parks the session; one bad end delays the next. */
function countFailure(decision: Decision, failure: Failure): void {
  const { id, policy, restart } = decision.state;
  const failures = restart.failures + 1;
  if (failure.class === "permanent") {
    decision.emit<SessionParked>("SessionParked", { reason: "start_failed", failure, until: null });
  } else if (failures >= policy.failures) {
    decision.emit<SessionParked>("SessionParked", { reason: "crash_loop", failure, until: null });
  } else {
    decision.emit<RestartScheduled>("RestartScheduled", {
      dueAt: decision.now + backOff(policy, failures, id),
      failures,
      reason: failure.code,
      class: failure.class,
    });
  }
}

/** Why the session's run, which is over, counts as failed; null where it ended as it should. */
export function failureOfRun(session: Session): Failure | null {
  const { run } = session;
  if (run?.phase.type !== "over") return null;
  const { exit } = run.phase;
  if (run.phase.evidence === "lease") {
    return bad("RUN_HOST_LOST", "Its host was out of reach until the run's lease had ended.");
  }
  // A run that was seen to end had been started, whatever the start said of it.
  if (run.startFailure !== null && exit === null) return run.startFailure;
  if (run.setback !== null) return run.setback.failure;
  switch (run.stop?.reason) {
    case "idle":
    case "closing":
    case "asked":
    case "shutdown":
    case "close_expired":
    // A later turn of the same run went well.
    case "turn_failed":
      return null;
    case undefined:
      break;
    default:
      return bad("RUN_STOPPED", `The run was stopped: ${run.stop?.reason}.`);
  }
  if (exit?.oomKilled) return bad("OUT_OF_MEMORY", "The run was killed for want of memory.");
  if (!run.left) return bad("RUN_CRASHED", `The run ended without a word: ${describe(exit)}.`);
  // A run that ended no turn and leaves messages waiting would be followed by one like it at once.
  const isIdle = run.turns === 0 && session.messages.size > 0;
  const undone = [...session.messages.values()].some(
    ({ at }) => (at.type === "delivered" || at.type === "accepted") && at.runId === run.trace.runId,
  );
  return undone || isIdle
    ? bad("RUN_LEFT_EARLY", "The run left before it had answered everything.")
    : null;
}

function bad(code: string, message: string): Failure {
  return { class: "transient", code, message };
}

function describe(exit: RunExit | null): string {
  if (exit === null) return "nobody saw how";
  if (exit.signal !== null) return `signal ${exit.signal}`;
  return exit.exitCode === null ? "no exit code is known" : `exit code ${exit.exitCode}`;
}
