import type {
  OperationEvent,
  OperationRequested,
  WordRedriven,
} from "../../events/operation-events.ts";
import type { Instant, OperationId } from "../../ids.ts";
import type { Draft } from "../draft.ts";
import { keyOf } from "../effect-keys.ts";
import { findOperation, operationParts } from "../outbox.ts";
import { isPersonal, type AgentOperation } from "../../ports/agent-operation.ts";
import type { Answer, Operation, OperationNote } from "../state.ts";
import { shorten, summaryOf, targetOf } from "../target.ts";
import type { FoldsOf } from "./fold.ts";

/** How many operations of a turn a continuation tells of. */
const notesKept = 100;

/** How events about operations change a session. */
export const operationFolds: FoldsOf<OperationEvent> = {
  OperationRequested(draft, data, at) {
    request(draft, data, at);
    const { state } = draft;
    if (state.run?.trace.runId === data.runId) state.run = { ...state.run, mark: data.mark };
  },
  WordRedriven: request,
  OperationRejected(draft, data, at) {
    const error = { code: data.code, message: data.reason };
    const held = decided(draft, data.operationId, at);
    if (held === null) finish(draft, data.operationId, "rejected", null, error);
    else conclude(draft, held, "rejected", null, error);
  },
  OperationAttempted(draft, data) {
    change(draft, data.operationId, (operation) => ({
      ...operation,
      attempts: data.attempt,
      // The call before got no outcome: its caller died, and it may have arrived.
      maybeDelivered: operation.maybeDelivered || operation.at.type === "attempted",
      at: { type: "attempted", epoch: data.epoch },
    }));
  },
  OperationDeferred(draft, data) {
    change(draft, data.operationId, (operation) => ({
      ...operation,
      // A look-up that found nothing ends the doubt.
      maybeDelivered:
        operation.at.type !== "in_doubt" &&
        (operation.maybeDelivered || data.failure.class === "unknown"),
      at: { type: "waiting", dueAt: data.dueAt },
    }));
  },
  OperationInDoubt(draft, data, at) {
    change(draft, data.operationId, (operation) => ({
      ...operation,
      attempts: data.attempt,
      maybeDelivered: true,
      at: {
        type: "in_doubt",
        dueAt: data.dueAt,
        since: operation.at.type === "in_doubt" ? operation.at.since : at,
      },
    }));
  },
  OperationDelivered(draft, data) {
    finish(draft, data.operationId, "delivered", { ...data.receipt }, null);
  },
  OperationAbandoned(draft, data) {
    const { code, message } = data.failure;
    const operation = findOperation(draft.state, data.operationId)?.operation;
    if (operation !== undefined) {
      draft.edit("deadLetters").set(data.operationId, {
        ...operation,
        maybeDelivered: data.maybeDelivered,
      });
    }
    finish(draft, data.operationId, "abandoned", null, { code, message });
  },
  OperationRedriven(draft, data, at) {
    const operation = draft.state.deadLetters.get(data.operationId);
    if (operation === undefined) return;
    draft.edit("deadLetters").delete(data.operationId);
    draft.edit("answers").delete(data.operationId);
    // Where it may have been done, the first thing is to ask; else it is simply due.
    const place = operation.maybeDelivered
      ? ({ type: "attempted", epoch: data.epoch - 1 } as const)
      : ({ type: "waiting", dueAt: 0 } as const);
    append(draft, { ...operation, requestedAt: at, attempts: operation.attempts, at: place });
  },
  AuthorisationAsked(draft, { operationId: id }) {
    const approval = draft.state.approvals.get(id);
    if (approval !== undefined)
      draft.edit("approvals").set(id, { ...approval, unauthorised: true });
  },
  OperationAuthorised(draft, { operationId: id, approvalUntil: until }, at) {
    const approval = draft.state.approvals.get(id);
    const operation = decided(draft, id, at);
    if (approval === undefined || operation === null) return;
    if (until === null) append(draft, { ...operation, requestedAt: at });
    else draft.edit("approvals").set(id, { operation, turnId: approval.turnId, until });
  },
  ApprovalGranted(draft, data, at) {
    const operation = decided(draft, data.operationId, at);
    if (operation !== null) append(draft, { ...operation, requestedAt: at });
  },
  ApprovalDenied(draft, data, at) {
    const operation = decided(draft, data.operationId, at);
    if (operation === null) return;
    const error = { code: "APPROVAL_DENIED", message: data.reason };
    conclude(draft, operation, "rejected", null, error);
  },
  ApprovalWithdrawn(draft, data, at) {
    const operation = decided(draft, data.operationId, at);
    if (operation === null) return;
    const error = { code: "WITHDRAWN", message: "Nobody waits for the answer any more." };
    conclude(draft, operation, "rejected", null, error);
    renote(draft, operation.id, { state: "withdrawn" });
  },
  PersonAnswered(draft, data, at) {
    const operation = decided(draft, data.operationId, at);
    if (operation === null) return;
    const { by, answer } = data;
    conclude(draft, operation, "delivered", answer === null ? { by } : { by, answer }, null);
    if (answer === null) return;
    renote(draft, operation.id, {
      summary: `${summaryOf(operation.operation)}, answered ${shorten(answer, 1_000)}`,
    });
  },
  OperationAnswered(draft, data) {
    const { runId, seq } = operationParts(data.operationId);
    draft.edit("answers").delete(data.operationId);
    const key = keyOf.answer(runId, seq);
    if (draft.state.deferred.has(key)) draft.edit("deferred").delete(key);
  },
};

function request(
  draft: Draft,
  data: (OperationRequested | WordRedriven)["data"],
  at: Instant,
): void {
  const { state } = draft;
  const { operationId: id, runId, operation: asked, approvalUntil: until } = data;
  const operation: Operation<AgentOperation> = {
    id,
    runId,
    seq: operationParts(id).seq,
    operation: asked,
    requestedAt: at,
    attempts: 0,
    maybeDelivered: false,
    at: { type: "waiting", dueAt: 0 },
  };
  if (until === null) append(draft, operation);
  else draft.edit("approvals").set(id, { operation, turnId: state.run?.turn?.id ?? null, until });
  state.totals = { ...state.totals, operations: state.totals.operations + 1 };
  note(draft, id, { summary: summaryOf(asked), state: "waiting" });
}

function change(draft: Draft, id: OperationId, edit: (operation: Operation) => Operation): void {
  const found = findOperation(draft.state, id);
  if (found === undefined) return;
  const list = [...found.list];
  list[found.index] = edit(found.operation);
  draft.edit("outbox").set(found.target, list);
}

function finish(
  draft: Draft,
  id: OperationId,
  status: Answer["status"],
  data: Answer["data"],
  error: Answer["error"],
): void {
  const found = findOperation(draft.state, id);
  if (found === undefined) return;
  const rest = found.list.toSpliced(found.index, 1);
  const outbox = draft.edit("outbox");
  if (rest.length === 0) outbox.delete(found.target);
  else outbox.set(found.target, rest);

  conclude(draft, found.operation, status, data, error);
}

/** Tells the agent of the present run, and a continuation, what became of it. */
function conclude(
  draft: Draft,
  operation: Operation<AgentOperation>,
  status: Answer["status"],
  data: Answer["data"],
  error: Answer["error"],
): void {
  const { id, runId, seq } = operation;
  renote(draft, id, { state: status });
  const { run } = draft.state;
  if (run?.trace.runId !== runId || run.trace.protocol === 0) return;
  draft.edit("answers").set(id, { operationId: id, runId, seq, status, data, error });
}

/** Takes it out of what waits to be allowed or answered; after a person's time the turn's time counts anew, since it stood still. */
function decided(draft: Draft, id: OperationId, at: Instant): Operation<AgentOperation> | null {
  const { state } = draft;
  const approval = state.approvals.get(id);
  if (approval === undefined) return null;
  draft.edit("approvals").delete(id);
  const key = keyOf.authorise(id);
  if (state.deferred.has(key)) draft.edit("deferred").delete(key);
  // The host's policy took the turn's own time.
  if (approval.unauthorised === true) return approval.operation;
  const { run } = state;
  if (run?.turn && run.turn.id === approval.turnId && run.trace.runId === approval.operation.runId)
    state.run = { ...run, turn: { ...run.turn, countsFrom: at } };
  return approval.operation;
}

/** Puts it behind what was cleared before. What is asked of people never goes to the board. */
function append(draft: Draft, operation: Operation<AgentOperation>): void {
  const { operation: asked } = operation;
  if (isPersonal(asked)) return;
  const target = targetOf(asked);
  const list = draft.state.outbox.get(target) ?? [];
  draft.edit("outbox").set(target, [...list, { ...operation, operation: asked }]);
}

function renote(draft: Draft, id: OperationId, news: Partial<OperationNote>): void {
  const known = draft.state.notes.get(id);
  if (known !== undefined) draft.edit("notes").set(id, { ...known, ...news });
}

function note(draft: Draft, id: OperationId, entry: OperationNote): void {
  if (draft.state.notes.size < notesKept) draft.edit("notes").set(id, entry);
}
