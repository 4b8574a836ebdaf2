import type { Policy, RunTrace, SessionEvent } from "@waybill/core";
import { defaultPolicy } from "@waybill/core";

/** A session that was opened. */
export function opened(policy: Partial<Policy> = {}): SessionEvent {
  return {
    type: "SessionOpened",
    data: {
      agent: { slug: "coder", name: "Кодер" },
      conversation: "c-1",
      scope: { chats: ["7"], tasks: ["42"] },
      policy: { ...defaultPolicy, ...policy },
      priority: 0,
      tenant: null,
      forkedFrom: null,
    },
  };
}

/** Its first owner. */
export function owned(): SessionEvent {
  return { type: "SessionOwned", data: { owner: "one", epoch: 1, trackerKeys: true } };
}

const mark = (seq: number): { readonly seq: number; readonly offset: number } => ({
  seq,
  offset: 0,
});

/** Pasts of a session with one message "m1" and one run "run-1", one fact longer each. */
export const past = {
  requested: (): SessionEvent[] => [
    opened(),
    owned(),
    { type: "MessageQueued", data: { messageId: "m1", position: 1, text: "go", from: null } },
    {
      type: "RunRequested",
      data: {
        runId: "run-1",
        protocol: 1,
        epoch: 1,
        conversation: { id: "c-1", resume: false },
        unsettled: [],
        prompt: null,
      },
    },
  ],
  started: (): SessionEvent[] => [
    ...past.requested(),
    { type: "RunStarted", data: { runId: "run-1", host: "h", handle: "c1" } },
  ],
  ready: (): SessionEvent[] => [
    ...past.started(),
    { type: "AgentReady", data: { runId: "run-1", agent: "a", transcriptHas: [], mark: mark(1) } },
  ],
  delivered: (): SessionEvent[] => [
    ...past.ready(),
    { type: "MessageDelivered", data: { messageId: "m1", runId: "run-1", delivery: 1 } },
  ],
  accepted: (): SessionEvent[] => [
    ...past.delivered(),
    { type: "TurnStarted", data: { runId: "run-1", turnId: "t1", mark: mark(2) } },
    {
      type: "MessageAccepted",
      data: { messageId: "m1", runId: "run-1", turnId: "t1", mark: mark(2) },
    },
  ],
  ended: (): SessionEvent[] => [
    ...past.accepted(),
    {
      type: "TurnEnded",
      data: {
        runId: "run-1",
        turnId: "t1",
        outcome: "completed",
        text: "done",
        error: null,
        usage: null,
        costUsd: null,
        messageIds: ["m1"],
        conversation: "c-1",
        transcriptId: null,
        mark: mark(9),
      },
    },
  ],
};

/** The facts of the run's request. */
export function runOf(events: readonly SessionEvent[]): RunTrace {
  for (const event of events) {
    if (event.type === "RunRequested") return { ...event.data, prompt: null };
  }
  throw new TypeError("There is no run in this past.");
}
