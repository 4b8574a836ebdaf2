import type {
  RunAdopted,
  RunExited,
  RunLost,
  RunRequested,
  RunStopRequested,
  StopReason,
} from "../../events/run-events.ts";
import type { Conversation } from "../../ports/run-plan.ts";
import type { RunExit } from "../../ports/transport.ts";
import type { RunId } from "../../ids.ts";
import type { AdmitRun, RunAbsent, RunEnded, RunSeen, StopRun } from "../command.ts";
import type { Decision } from "../decision.ts";
import type { Run, Session } from "../state.ts";
import { isOverBudget } from "../status.ts";

/** Requests a run, where one is still wanted. */
export function admitRun(decision: Decision, command: AdmitRun): void {
  const { state } = decision;
  if (!wantsRun(state) || state.owner === null || state.remains.has(command.runId)) return;
  const messages = [...state.messages.values()];
  const prompt = command.protocol === 0 ? firstQueued(state) : null;
  decision.emit<RunRequested>("RunRequested", {
    runId: command.runId,
    protocol: command.protocol,
    epoch: state.owner.epoch,
    conversation: conversationOf(state),
    unsettled: messages.filter(({ at }) => at.type === "carried").map(({ id }) => id),
    prompt,
    ...(state.owner.site === undefined ? {} : { site: state.owner.site }),
    ...(state.owner.runLeaseMs === undefined ? {} : { leaseMs: state.owner.runLeaseMs }),
  });
}

/** Whether the session has work for a run and has none. Its restart may still have to wait. */
export function wantsRun(session: Session): boolean {
  const { life, run, parked, messages } = session;
  if (run !== null || parked !== null || messages.size === 0 || isOverBudget(session)) return false;
  return (
    life.type === "open" || (life.type === "closing" && life.outcome === "closed" && !life.expired)
  );
}

/** Ends the run, not the session. */
export function stopRun(decision: Decision, command: StopRun): void {
  const { run } = decision.state;
  if (run === null || run.phase.type === "over" || run.stop !== null) return;
  requestStop(decision, command.reason, command.reason === "shutdown" ? "drain" : "kill");
}

/** A run that has not said hello cannot be asked to finish: it is killed. */
export function requestStop(
  decision: Decision,
  reason: StopReason,
  wanted: "drain" | "kill",
): void {
  const { run, policy } = decision.state;
  if (run === null) return;
  const mode = run.phase.type === "ready" ? wanted : "kill";
  decision.emit<RunStopRequested>("RunStopRequested", {
    runId: run.trace.runId,
    reason,
    mode,
    until: mode === "drain" ? decision.now + policy.drainMs : null,
  });
}

/** The process lives. Seen for the first time by this owner, it is adopted. */
export function runSeen(decision: Decision, command: RunSeen): void {
  const run = current(decision, command.runId);
  const epoch = decision.state.owner?.epoch ?? 0;
  if (run?.phase.type !== "started" && run?.phase.type !== "ready") return;
  if (run.phase.seenIn >= epoch) return;
  decision.emit<RunAdopted>("RunAdopted", { runId: command.runId, epoch });
}

/** The process ended. */
export function runEnded(decision: Decision, command: RunEnded): void {
  const run = current(decision, command.runId);
  if (run === null || run.phase.type === "over") return;
  recordEnd(decision, command.runId, command.exit);
}

/** The process is not there. That counts only for one that was there: a start may still land. */
export function runAbsent(decision: Decision, command: RunAbsent): void {
  const run = current(decision, command.runId);
  if (run?.phase.type !== "started" && run?.phase.type !== "ready") return;
  recordEnd(decision, command.runId, null);
}

/** Records how the run ended, or that nobody knows. */
export function recordEnd(decision: Decision, runId: RunId, exit: RunExit | null): void {
  if (exit === null) {
    decision.emit<RunLost>("RunLost", { runId });
    return;
  }
  const { exitCode, signal, oomKilled, detail = null } = exit;
  decision.emit<RunExited>("RunExited", { runId, exitCode, signal, oomKilled, detail });
}

/** The run, if it is this one. Outcomes of other runs change nothing. */
export function current(decision: Decision, runId: RunId): Run | null {
  const { run } = decision.state;
  return run?.trace.runId === runId ? run : null;
}

/** A fork copies another conversation when its own begins. */
function conversationOf({ conversation, forkedFrom }: Session): Conversation {
  const { id, begun } = conversation;
  if (begun || forkedFrom === null) return { id, resume: begun };
  return { id, resume: false, fork: forkedFrom };
}

function firstQueued({ messages }: Session): string | null {
  for (const message of messages.values()) if (message.at.type === "queued") return message.id;
  return null;
}
