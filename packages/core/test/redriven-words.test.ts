// What a word asked for that could not be read when it came, and that somebody has mended since.
import { expect, test } from "vitest";
import type { SessionCommand, SessionEvent } from "@waybill/core";
import { given } from "@waybill/core/testing";
import { opened, past } from "./pasts.ts";

const id = "s-1/run-1/3";
const redrive = (chat = "7"): SessionCommand => ({
  type: "RedriveWord",
  runId: "run-1",
  seq: 3,
  operation: { type: "chat.send", chat, content: "hi" },
  by: "anna",
});

test("it takes its place in the outbox under the key of its word, and a repeat gives nothing", () => {
  const driven = given([...past.accepted(), rejected()])
    .when(redrive())
    .thenTypes(["WordRedriven", "OperationAttempted"])
    .when(redrive())
    .thenNothing();
  expect(driven.pending().map(({ key }) => key)).toContain(`op:${id}/perform:1`);
  expect(driven.state.run?.mark.seq).toBe(3);
});

test("its agent, if it still runs, is told what became of it", () => {
  const driven = given([...past.accepted(), rejected()])
    .when(redrive())
    .thenTypes(["WordRedriven", "OperationAttempted"])
    .when({
      type: "Succeeded",
      effect: {
        type: "perform",
        operationId: id,
        attempt: 1,
        target: "chat:7",
        operation: { type: "chat.send", chat: "7", content: "hi" },
      },
      value: { id: "c-1", at: null, repeated: false, data: null },
    })
    .thenTypes(["OperationDelivered"]);
  const keys = driven.pending().map(({ key }) => key);
  expect(keys.filter((key) => key.includes("answer"))).toHaveLength(1);
});

test("it may touch no more than the session may", () => {
  given([...past.accepted(), rejected()])
    .when(redrive("8"))
    .thenTypes(["WordRedriven", "OperationRejected"]);
});

test("where the policy wants leave for such a thing, it waits for it", () => {
  const [, ...rest] = past.accepted();
  const first = opened() as Extract<SessionEvent, { type: "SessionOpened" }>;
  const policy = { ...first.data.policy, approve: ["chat.send" as const] };
  const strict = { ...first, data: { ...first.data, policy } };
  given([strict, ...rest, rejected()])
    .when(redrive())
    .thenTypes(["WordRedriven"])
    .when(redrive())
    .thenNothing()
    .when({ type: "DecideApproval", operationId: id, granted: true, by: "anna", reason: "" })
    .thenTypes(["ApprovalGranted", "OperationAttempted"]);
});

test("it is refused in a session that has ended, where nobody would do it", () => {
  given([
    opened(),
    { type: "CloseRequested", data: { through: 1, outcome: "stopped", until: 9e15 } },
    { type: "SessionClosed", data: { outcome: "stopped" } },
  ])
    .when(redrive())
    .thenRefused("SESSION_ENDED");
});

function rejected(): SessionEvent {
  const mark = { seq: 3, offset: 0 };
  return {
    type: "WordRejected",
    data: { runId: "run-1", code: "NOT_JSON", reason: "It is not JSON.", mark },
  };
}
