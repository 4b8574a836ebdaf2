import type {
  ApprovalDenied,
  AuthorisationAsked,
  OperationAbandoned,
  OperationDeferred,
  OperationDelivered,
  OperationInDoubt,
  OperationRejected,
  OperationRequested,
  WordRedriven,
} from "../../events/operation-events.ts";
import type { Failure } from "../../errors.ts";
import type { Instant, OperationId } from "../../ids.ts";
import type { Mark } from "../../ports/agent-word.ts";
import { isPersonal, type AgentOperation } from "../../ports/agent-operation.ts";
import type { Receipt } from "../../ports/tracker.ts";
import { backOff } from "../back-off.ts";
import type { RedriveWord } from "../command.ts";
import type { Decision } from "../decision.ts";
import type { LookupEffect, PerformEffect } from "../effect.ts";
import { findOperation, operationId, outboxSize } from "../outbox.ts";
import type { Operation, Run } from "../state.ts";
import { isInScope, isQuestion, targetOf } from "../target.ts";
import { assertNotErased } from "./missing-session.ts";

/** The agent asks for something. Who asks, and what it may touch, the session says. */
export function requestOperation(
  decision: Decision,
  run: Run,
  operation: AgentOperation,
  mark: Mark,
): void {
  const { runId } = run.trace;
  const id = operationId(decision.state.id, runId, mark.seq);
  const conditions = conditionsOf(decision, operation);
  decision.emit<OperationRequested>("OperationRequested", {
    operationId: id,
    runId,
    operation,
    approvalUntil: conditions.approvalUntil,
    mark,
  });
  goOn(decision, id, operation, conditions);
}

/**
 * What could not be read when it came is asked for now, under the same conditions and the same key
 * as if it had been read. One that is not over stays as it is; who asks sees to it that one that is
 * over does not come again.
 */
export function redriveWord(decision: Decision, command: RedriveWord): void {
  const { id: session, life, approvals, deadLetters } = decision.state;
  const { runId, seq, operation, by } = command;
  assertNotErased(decision);
  if (life.type === "ended") {
    throw decision.refusal(
      "SESSION_ENDED",
      `Session ${session} has ended. Open it again, then drive the word again.`,
    );
  }
  const id = operationId(session, runId, seq);
  if (findOperation(decision.state, id) !== undefined) return;
  if (approvals.has(id) || deadLetters.has(id)) return;
  const conditions = conditionsOf(decision, operation);
  decision.emit<WordRedriven>("WordRedriven", {
    operationId: id,
    runId,
    operation,
    approvalUntil: conditions.approvalUntil,
    by,
  });
  goOn(decision, id, operation, conditions);
}

interface Conditions {
  /** The host's policy says whether the session may do it, and not its scope. */
  readonly asksPolicy: boolean;
  readonly isAllowed: boolean;
  readonly approvalUntil: Instant | null;
  readonly full: boolean;
}

function conditionsOf({ state, now }: Decision, operation: AgentOperation): Conditions {
  const { approve, approvalMs, operations } = state.policy;
  const asksPolicy = state.owner?.authorises === true && !isPersonal(operation);
  const isAllowed = asksPolicy || isInScope(state.scope, operation);
  const waits =
    asksPolicy || isPersonal(operation) || (isAllowed && approve.includes(operation.type));
  return {
    asksPolicy,
    isAllowed,
    approvalUntil: waits ? now + approvalMs : null,
    full: outboxSize(state) + state.approvals.size >= operations,
  };
}

/** It is refused where it does not fit, or the host's policy is asked, or it takes its place. */
function goOn(
  decision: Decision,
  id: OperationId,
  operation: AgentOperation,
  { asksPolicy, isAllowed, approvalUntil, full }: Conditions,
): void {
  if (!isAllowed) {
    const reason = `This session may not touch ${targetOf(operation)}.`;
    refuse(decision, id, "policy", "OUT_OF_SCOPE", reason);
  } else if (full) {
    const reason = "Too many operations are outstanding. Wait for answers before asking for more.";
    if (approvalUntil !== null)
      decision.emit<ApprovalDenied>("ApprovalDenied", { operationId: id, by: "policy", reason });
    else refuse(decision, id, "policy", "TOO_MANY_OPERATIONS", reason);
  } else if (asksPolicy) {
    decision.emit<AuthorisationAsked>("AuthorisationAsked", { operationId: id });
  }
}

/** The Tracker did it, or knows that it did. */
export function operationDone(
  decision: Decision,
  effect: PerformEffect | LookupEffect,
  receipt: Receipt | null,
): void {
  const found = findOperation(decision.state, effect.operationId);
  if (found === undefined) return;
  if (receipt !== null) {
    decision.emit<OperationDelivered>("OperationDelivered", {
      operationId: effect.operationId,
      receipt,
    });
  } else if (
    found.operation.at.type === "in_doubt" &&
    found.operation.attempts === effect.attempt
  ) {
    notFound(decision, found.operation, found.operation.at.since);
  }
}

/** It was not done, unless the call is still under way: a Tracker without keys would do both. */
function notFound(decision: Decision, operation: Operation, since: Instant): void {
  const failure: Failure = {
    class: "transient",
    code: "NOT_DONE",
    message: "The Tracker does not know it.",
  };
  const provenAt = since + decision.state.policy.doubtMs;
  if (decision.now < provenAt && !repeatable(decision, operation))
    askAgain(decision, operation, failure, provenAt);
  // It waits no longer, and `settle` has it tried again.
  else defer(decision, operation, failure, decision.now);
}

/** The Tracker did not do it, or nobody knows. */
export function operationFailed(
  decision: Decision,
  effect: PerformEffect | LookupEffect,
  failure: Failure,
): void {
  const operation = findOperation(decision.state, effect.operationId)?.operation;
  if (operation === undefined || operation.attempts !== effect.attempt) return;
  const dueAt = decision.now + waitFor(decision, operation, failure);
  if (effect.type === "lookup") {
    if (operation.at.type === "in_doubt") askAgain(decision, operation, failure, dueAt);
    return;
  }
  if (operation.at.type !== "attempted") return;
  const inDoubt = operation.maybeDelivered && !isQuestion(operation.operation);
  if (failure.class === "permanent" && inDoubt) {
    // This call was refused; an earlier one may have arrived.
    askAgain(decision, operation, failure, decision.now);
  } else if (failure.class === "permanent") {
    refuse(decision, operation.id, "tracker", failure.code, failure.message);
  } else if (failure.class === "unknown" && !repeatable(decision, operation)) {
    askAgain(decision, operation, failure, decision.now);
  } else {
    defer(decision, operation, failure, dueAt);
  }
}

function askAgain(decision: Decision, operation: Operation, failure: Failure, dueAt: number): void {
  if (decision.now - operation.requestedAt > decision.state.policy.operationMs) {
    decision.emit<OperationAbandoned>("OperationAbandoned", {
      operationId: operation.id,
      failure,
      maybeDelivered: true,
    });
    return;
  }
  decision.emit<OperationInDoubt>("OperationInDoubt", {
    operationId: operation.id,
    attempt: operation.attempts + 1,
    dueAt,
    failure,
  });
}

function defer(decision: Decision, operation: Operation, failure: Failure, dueAt: number): void {
  decision.emit<OperationDeferred>("OperationDeferred", {
    operationId: operation.id,
    attempt: operation.attempts,
    dueAt,
    failure,
  });
}

function refuse(
  decision: Decision,
  id: string,
  by: "policy" | "tracker",
  code: string,
  reason: string,
): void {
  decision.emit<OperationRejected>("OperationRejected", { operationId: id, by, code, reason });
}

function repeatable({ state }: Decision, { operation }: Operation): boolean {
  return state.owner?.trackerKeys === true || isQuestion(operation);
}

function waitFor({ state }: Decision, operation: Operation, failure: Failure): number {
  const wait = backOff(state.policy, operation.attempts, operation.id);
  return Math.max(wait, failure.retryAfterMs ?? 0);
}
