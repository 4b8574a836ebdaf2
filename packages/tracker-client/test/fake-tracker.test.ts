import { describe, expect, test } from "vitest";
import { fakeTracker, trackerContract } from "@waybill/core/testing";
import type { ContractFault, FakeTrackerFault, TrackerFixture } from "@waybill/core/testing";

describe.each([{ keys: true }, { keys: false }])(
  "the fake Tracker with keys: $keys",
  ({ keys }) => {
    trackerContract({ test, keys, create: async () => fixture(keys) });
  },
);

describe("the fake Tracker", () => {
  const by = { slug: "coder", name: "Кодер" };

  test("does a call again once it has forgotten the key", async () => {
    let now = 1_000;
    const tracker = fakeTracker({ keysKeptMs: 500, now: () => now });
    const call = {
      key: "s/r/1",
      by,
      operation: { type: "chat.send", chat: "general", content: "Hi" },
    } as const;
    await tracker.perform(call);
    now += 500;
    expect((await tracker.perform(call)).repeated).toBe(true);
    now += 1;
    expect((await tracker.perform(call)).repeated).toBe(false);
    expect(tracker.board.messages).toHaveLength(2);
    expect(tracker.board.absorbed).toBe(1);
  });

  test("keeps its board for the next orchestrator", async () => {
    const first = fakeTracker();
    const call = { key: "s/r/1", by, operation: { type: "task.take", task: "task-1" } } as const;
    await first.perform(call);
    await first.close();
    const second = fakeTracker({ board: first.board });
    expect((await second.perform(call)).repeated).toBe(true);
  });

  test("says nothing until the signal aborts, where it is told to be silent", async () => {
    const tracker = fakeTracker();
    tracker.failNext({ type: "silent", when: "after" });
    const stop = new AbortController();
    const call = {
      key: "s/r/1",
      by,
      operation: { type: "task.take", task: "task-1" },
      signal: stop.signal,
    } as const;
    const outcome = tracker.perform(call).catch((error: unknown) => error);
    expect(await Promise.race([outcome, Promise.resolve("silence")])).toBe("silence");
    stop.abort();
    expect(await outcome).toMatchObject({ class: "unknown" });
    expect(tracker.board.changes).toHaveLength(1);
  });

  test("fails only the calls that are picked, as often as asked, until it is healed", async () => {
    const tracker = fakeTracker();
    const take = { key: "s/r/1", by, operation: { type: "task.take", task: "task-1" } } as const;
    const read = { key: "s/r/2", by, operation: { type: "chat.read", chat: "general" } } as const;
    const only = (call: { operation: { type: string } }): boolean =>
      call.operation.type === "task.take";
    tracker.failNext({ type: "unavailable" }, { times: 2, only });
    await tracker.perform(read);
    await expect(tracker.perform(take)).rejects.toMatchObject({ code: "TRACKER_UNAVAILABLE" });
    tracker.heal();
    await tracker.perform(take);
  });
});

const faults: Readonly<Record<ContractFault, FakeTrackerFault>> = {
  "cut before": { type: "cut", when: "before" },
  "cut after": { type: "cut", when: "after" },
  busy: { type: "busy", retryAfterMs: 2 },
  unavailable: { type: "unavailable" },
  garbled: { type: "garbled", when: "after" },
};

function fixture(keys: boolean): TrackerFixture {
  const tracker = fakeTracker({ keys });
  const { board } = tracker;
  const entries = (list: typeof board.messages, target: string) =>
    list
      .filter((entry) => entry.target === target)
      .map(({ sender, content }) => ({ author: sender, content }));
  return {
    tracker,
    chat: "general",
    task: "task-1",
    messages: async (chat) => entries(board.messages, chat),
    comments: async (task) => entries(board.comments, task),
    taskState: async (id) => ({
      status: board.tasks.get(id)?.status ?? "",
      assignedTo: board.tasks.get(id)?.assignedTo ?? null,
      changes: board.changes.filter((change) => change.target === id).length,
    }),
    stranger: () => fakeTracker({ board, keys, authorized: false }),
    people: {
      say: async (chat, content, replyTo) =>
        board.people.say({ chat, content, ...(replyTo === undefined ? {} : { replyTo }) }),
      assign: async (id, assignedTo) => board.people.task({ id, assignedTo }),
      cancel: async (id) => board.people.task({ id, status: "cancelled" }),
      cut: async () => {},
    },
    fault: async (fault) => tracker.failNext(faults[fault]),
    [Symbol.asyncDispose]: () => tracker.close(),
  };
}
