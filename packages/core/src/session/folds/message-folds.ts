import type { MessageEvent } from "../../events/message-events.ts";
import type { MessageId } from "../../ids.ts";
import type { Draft } from "../draft.ts";
import { keyOf } from "../effect-keys.ts";
import type { MessagePlace, OpenMessage, Session } from "../state.ts";
import { noBadEnd } from "../unopened.ts";
import { setbackOf } from "../setback.ts";
import type { FoldsOf } from "./fold.ts";
import { claimCost } from "./meter-folds.ts";

/** How events about messages and turns change a session. */
export const messageFolds: FoldsOf<MessageEvent> = {
  MessageQueued(draft, data) {
    queue(draft, { ...data, id: data.messageId, replaces: [] });
  },
  ContinuationQueued(draft, data) {
    queue(draft, { ...data, id: data.messageId, from: null });
    for (const id of data.replaces) place(draft, id, { type: "replaced", by: data.messageId });
    dropOlderContinuations(draft, data.messageId, data.replaces);
  },
  MessageDelivered(draft, data) {
    const message = draft.state.messages.get(data.messageId);
    if (message === undefined) return;
    draft.edit("messages").set(data.messageId, {
      ...message,
      deliveries: data.delivery,
      at: { type: "delivered", runId: data.runId },
    });
    const key = keyOf.put(data.runId, data.messageId, data.delivery);
    if (draft.state.deferred.has(key)) draft.edit("deferred").delete(key);
  },
  MessageAccepted(draft, data) {
    place(draft, data.messageId, {
      type: "accepted",
      runId: data.runId,
      turnId: data.turnId,
    });
    editRun(draft, { mark: data.mark });
  },
  MessageDiscarded(draft, data) {
    draft.edit("messages").delete(data.messageId);
  },
  TurnStarted(draft, data, at) {
    draft.state.conversation = { ...draft.state.conversation, begun: true };
    editRun(draft, {
      turn: { id: data.turnId, startedAt: at, countsFrom: at, interruptUntil: null },
      mark: data.mark,
    });
  },
  TurnEnded(draft, data, at) {
    const { state } = draft;
    const messages = draft.edit("messages");
    for (const id of data.messageIds) messages.delete(id);
    const setback = setbackOf(data, state, at);
    // What a turn that is tried again had asked for is still to be told.
    if (state.notes.size > 0 && setback === null) draft.edit("notes").clear();
    state.conversation = { id: data.conversation, begun: true };
    state.totals = {
      ...state.totals,
      turns: state.totals.turns + 1,
      inputTokens: state.totals.inputTokens + (data.usage?.inputTokens ?? 0),
      outputTokens: state.totals.outputTokens + (data.usage?.outputTokens ?? 0),
    };
    claimCost(draft, data.runId, data.costUsd);
    if (data.outcome === "completed") state.restart = noBadEnd;
    const { run } = state;
    if (run === null) return;
    state.run = {
      ...run,
      turn: null,
      turns: run.turns + 1,
      setback,
      mark: data.mark,
      restingSince: at,
    };
  },
  InterruptRequested(draft, data) {
    const turn = draft.state.run?.turn;
    if (!turn || turn.id !== data.turnId) return;
    editRun(draft, { turn: { ...turn, interruptUntil: data.until } });
  },
};

function queue(
  draft: Draft,
  data: Pick<OpenMessage, "id" | "position" | "text" | "from" | "replaces">,
): void {
  const { id, position, text, from, replaces } = data;
  draft.edit("messages").set(id, {
    id,
    position,
    text,
    from,
    deliveries: 0,
    at: { type: "queued" },
    replaces,
  });
  if (replaces.length > 0) return; // a continuation takes the place of what it replaces
  draft.state.position = position;
  draft.state.totals = { ...draft.state.totals, messages: draft.state.totals.messages + 1 };
}

function place(draft: Draft, id: MessageId, at: MessagePlace): void {
  const message = draft.state.messages.get(id);
  if (message !== undefined) draft.edit("messages").set(id, { ...message, at });
}

/** A continuation that a newer one replaces has nothing left to bring. */
function dropOlderContinuations(
  draft: Draft,
  newest: MessageId,
  replaced: readonly MessageId[],
): void {
  for (const message of draft.state.messages.values()) {
    const covered =
      message.replaces.length > 0 && message.replaces.every((id) => replaced.includes(id));
    if (covered && message.id !== newest) draft.edit("messages").delete(message.id);
  }
}

function editRun(draft: Draft, change: Partial<NonNullable<Session["run"]>>): void {
  const { run } = draft.state;
  if (run !== null) draft.state.run = { ...run, ...change };
}
