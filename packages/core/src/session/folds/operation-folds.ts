import type { OperationEvent } from "../../events/operation-events.ts";
import type { OperationId } from "../../ids.ts";
import type { Draft } from "../draft.ts";
import { keyOf } from "../effect-keys.ts";
import { findOperation, operationParts } from "../outbox.ts";
import type { Answer, Operation, OperationNote } from "../state.ts";
import { summaryOf, targetOf } from "../target.ts";
import type { FoldsOf } from "./fold.ts";

/** How many operations of a turn a continuation tells of. */
const notesKept = 100;

/** How events about operations change a session. */
export const operationFolds: FoldsOf<OperationEvent> = {
  OperationRequested(draft, data, at) {
    const { state } = draft;
    const target = targetOf(data.operation);
    const operation: Operation = {
      id: data.operationId,
      runId: data.runId,
      seq: data.mark.seq,
      operation: data.operation,
      requestedAt: at,
      attempts: 0,
      maybeDelivered: false,
      at: { type: "waiting", dueAt: 0 },
    };
    draft.edit("outbox").set(target, [...(state.outbox.get(target) ?? []), operation]);
    state.totals = { ...state.totals, operations: state.totals.operations + 1 };
    if (state.run?.trace.runId === data.runId) state.run = { ...state.run, mark: data.mark };
    note(draft, data.operationId, { summary: summaryOf(data.operation), state: "waiting" });
  },
  OperationRejected(draft, data) {
    finish(draft, data.operationId, "rejected", null, { code: data.code, message: data.reason });
  },
  OperationAttempted(draft, data) {
    change(draft, data.operationId, (operation) => ({
      ...operation,
      attempts: data.attempt,
      at: { type: "attempted", epoch: data.epoch },
    }));
  },
  OperationDeferred(draft, data) {
    change(draft, data.operationId, (operation) => ({
      ...operation,
      maybeDelivered: operation.maybeDelivered || data.failure.class === "unknown",
      at: { type: "waiting", dueAt: data.dueAt },
    }));
  },
  OperationInDoubt(draft, data) {
    change(draft, data.operationId, (operation) => ({
      ...operation,
      attempts: data.attempt,
      maybeDelivered: true,
      at: { type: "in_doubt", dueAt: data.dueAt },
    }));
  },
  OperationDelivered(draft, data) {
    finish(draft, data.operationId, "delivered", { ...data.receipt }, null);
  },
  OperationAbandoned(draft, data) {
    const { code, message } = data.failure;
    finish(draft, data.operationId, "abandoned", null, { code, message });
  },
  OperationAnswered(draft, data) {
    const { runId, seq } = operationParts(data.operationId);
    draft.edit("answers").delete(data.operationId);
    const key = keyOf.answer(runId, seq);
    if (draft.state.deferred.has(key)) draft.edit("deferred").delete(key);
  },
};

function change(
  draft: Draft,
  id: OperationId,
  edit: (operation: Operation) => Operation,
): void {
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

  const known = draft.state.notes.get(id);
  if (known !== undefined) draft.edit("notes").set(id, { ...known, state: status });

  const { run } = draft.state;
  const { runId, seq } = found.operation;
  if (run?.trace.runId !== runId || run.trace.protocol === 0) return;
  draft.edit("answers").set(id, { operationId: id, runId, seq, status, data, error });
}

function note(draft: Draft, id: OperationId, entry: OperationNote): void {
  if (draft.state.notes.size < notesKept) draft.edit("notes").set(id, entry);
}
