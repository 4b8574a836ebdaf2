import type { InterruptRequested } from "../events/message-events.ts";
import type { RunLost, RunStopRequested, StopReason } from "../events/run-events.ts";
import type { ApprovalDenied } from "../events/operation-events.ts";
import type { CloseExpired, SessionUnparked } from "../events/session-events.ts";
import type { Instant } from "../ids.ts";
import type { Seen } from "./command.ts";
import type { Decision } from "./decision.ts";
import { abandon, givenUpAt } from "./rules/give-up.ts";
import { isAway, leaseEnd } from "./away.ts";
import type { Run, Session } from "./state.ts";
import { waitsForPerson } from "./status.ts";

/** An instant at which time itself decides something. */
export interface Deadline {
  readonly at: Instant;
  /** What is decided. It moves the deadline or makes it vanish. */
  readonly pass: (decision: Decision) => void;
}

/** Decides everything that has fallen due. Without `seen`, liveness is not judged. */
export function passDeadlines(decision: Decision, seen: Seen | null): void {
  // Each deadline that passes moves or vanishes; the bound turns a rule that forgets to into an error.
  for (let round = 0; round < 100; round += 1) {
    const due = deadlines(decision.state, seen).find((deadline) => deadline.at <= decision.now);
    if (due === undefined) return;
    due.pass(decision);
  }
  throw new TypeError(`A deadline of session ${decision.state.id} passed without moving.`);
}

/**
 * Every deadline of the session: those of the calendar, which hold whatever happens, and those of
 * liveness, which count only once this process has read what the run said before. Long downtime
 * therefore never kills a healthy agent.
 */
export function deadlines(session: Session, seen: Seen | null): readonly Deadline[] {
  return [...calendar(session), ...(seen === null ? [] : liveness(session, seen))];
}

function* calendar(session: Session): Generator<Deadline> {
  const { life, parked, approvals, outbox, policy } = session;
  for (const [head] of outbox.values()) {
    const at = head === undefined ? Infinity : givenUpAt(head, policy);
    if (head !== undefined && at < Infinity)
      yield { at, pass: (decision) => abandon(decision, head) };
  }
  for (const { operation, until } of approvals.values()) {
    yield {
      at: until,
      pass: (decision) =>
        decision.emit<ApprovalDenied>("ApprovalDenied", {
          operationId: operation.id,
          by: "deadline",
          reason: "Nobody allowed it in time.",
        }),
    };
  }
  if (life.type === "closing" && !life.expired) {
    yield {
      at: life.until,
      pass: (decision) => decision.emit<CloseExpired>("CloseExpired", {}),
    };
  }
  if (parked !== null && parked.until !== null) {
    yield {
      at: parked.until,
      pass: (decision) => decision.emit<SessionUnparked>("SessionUnparked", { reason: "due" }),
    };
  }
  const lease = leaseEnd(session);
  if (lease !== null) {
    yield {
      at: lease.at,
      pass: (decision) =>
        decision.emit<RunLost>("RunLost", { runId: lease.runId, evidence: "lease" }),
    };
  }
}

function* liveness(session: Session, seen: Seen): Generator<Deadline> {
  const { run, policy } = session;
  if (run === null) return;
  if (run.phase.type !== "started" && run.phase.type !== "ready") return;
  if (seen.caughtUpAt === null || isAway(session)) return;
  // Nothing counts from before this process knew everything that the run had said.
  const from = (instant: Instant): Instant => Math.max(instant, seen.caughtUpAt ?? instant);

  // What was asked of the run before a downtime may never have reached it: it gets its time again.
  const allow = (until: Instant, allowance: number): Instant =>
    Math.max(until, (seen.caughtUpAt ?? until) + allowance);

  if (run.stop !== null) {
    const { mode, reason, until } = run.stop;
    if (mode === "drain") yield kill(run, reason, allow(until ?? 0, policy.drainMs));
    return;
  }
  if (run.phase.type === "started") {
    yield kill(run, "start_deadline", from(run.phase.at) + policy.startMs);
    return;
  }
  if (run.turn === null) {
    yield* idleDeadline(session, run, from(run.restingSince) + policy.idleMs);
    return;
  }
  const { turn } = run;
  const aliveAt = Math.max(from(turn.startedAt), seen.aliveAt ?? 0);
  yield kill(run, "stalled", aliveAt + policy.stallMs);
  if (turn.interruptUntil !== null) {
    yield kill(run, "interrupt_ignored", allow(turn.interruptUntil, policy.interruptMs));
  } else if (policy.turnMs !== null && !waitsForPerson(session, run)) {
    yield {
      at: from(turn.countsFrom) + policy.turnMs,
      pass: (decision) =>
        decision.emit<InterruptRequested>("InterruptRequested", {
          runId: run.trace.runId,
          turnId: turn.id,
          reason: "turn_deadline",
          until: decision.now + policy.interruptMs,
        }),
    };
  }
}

/** A run that took no message although some wait for it is not idle: it does not respond. */
function* idleDeadline(session: Session, run: Run, at: Instant): Generator<Deadline> {
  if (session.messages.size > 0) {
    yield kill(run, "unresponsive", at);
    return;
  }
  yield {
    at,
    pass: (decision) =>
      decision.emit<RunStopRequested>("RunStopRequested", {
        runId: run.trace.runId,
        reason: "idle",
        mode: "drain",
        until: decision.now + session.policy.drainMs,
      }),
  };
}

function kill(run: Run, reason: StopReason, at: Instant): Deadline {
  return {
    at,
    pass: (decision) =>
      decision.emit<RunStopRequested>("RunStopRequested", {
        runId: run.trace.runId,
        reason,
        mode: "kill",
        until: null,
      }),
  };
}
