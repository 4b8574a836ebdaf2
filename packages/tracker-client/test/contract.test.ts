import { describe, test } from "vitest";
import { trackerContract } from "@waybill/core/testing";
import type { ContractFault, TrackerFixture } from "@waybill/core/testing";
import { httpTracker } from "@waybill/tracker-client";
import { referenceTracker } from "@waybill/tracker-client/testing";
import type { Fault } from "@waybill/tracker-client/testing";

describe.each([
  { keys: true, sockets: true },
  { keys: false, sockets: false },
])(
  "httpTracker against the reference Tracker with keys: $keys, WebSocket: $sockets",
  ({ keys, sockets }) => {
    trackerContract({ test, keys, create: () => fixture(keys, sockets) });
  },
);

const faults: Readonly<Record<ContractFault, Fault>> = {
  "cut before": { do: "drop", when: "before" },
  "cut after": { do: "drop", when: "after" },
  busy: { do: "status", status: 429, retryAfter: 1 },
  unavailable: { do: "status", status: 503 },
  garbled: { do: "garbage" },
};

async function fixture(keys: boolean, sockets: boolean): Promise<TrackerFixture> {
  const board = await referenceTracker({ keys, sockets, heartbeatMs: 100 });
  const tracker = httpTracker({
    url: board.url,
    token: board.token,
    idempotencyKeys: keys,
    events: { pollMs: 10, reconnectMs: 5 },
  });
  const change = async (task: string, body: object): Promise<void> => {
    await fetch(`${board.url}/api/v1/tasks/${task}`, {
      method: "PATCH",
      headers: { authorization: `Bearer ${board.token}` },
      body: JSON.stringify(body),
    });
  };
  const { records } = board;
  return {
    tracker,
    chat: "general",
    task: "task-1",
    messages: async (chat) =>
      records.messages
        .filter(({ chat_id }) => chat_id === chat)
        .map(({ sender_name, content }) => ({ author: sender_name, content })),
    comments: async (task) =>
      records.comments
        .filter(({ task_id }) => task_id === task)
        .map(({ author, content }) => ({ author, content })),
    taskState: async (id) => {
      const task = records.tasks.find((row) => row.id === id);
      return {
        status: task?.status ?? "",
        assignedTo: task?.assigned_to ?? null,
        changes: records.taskChanges.filter(({ task_id }) => task_id === id).length,
      };
    },
    stranger: () => httpTracker({ url: board.url, token: "another-token", idempotencyKeys: keys }),
    people: {
      say: async (chat, content, replyTo) =>
        board.say(chat, content, { sender_name: "Ann", reply_to: replyTo ?? null }).id,
      assign: (task, slug) => change(task, { assigned_to: slug }),
      cancel: (task) => change(task, { status: "cancelled" }),
      cut: async () => void board.cutFollowers(),
    },
    fault: async (fault) => board.faults.add(faults[fault]),
    [Symbol.asyncDispose]: async () => {
      await tracker.close();
      await board.close();
    },
  };
}
