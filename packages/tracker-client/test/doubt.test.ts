import { describe, expect, test } from "vitest";
import { boardWithClient, callOf, clientOf, foreignBoard, json, message } from "./boards.ts";

describe("a call whose answer is lost, where keys count", () => {
  test.each(["before", "after"] as const)(
    "is done once by a repeat: the connection fell %s the commit",
    async (when) => {
      const { board, tracker } = await boardWithClient();
      const call = message("Once");
      board.faults.add({ do: "drop", when });
      await expect(tracker.perform(call)).rejects.toMatchObject({ class: "unknown" });
      const receipt = await tracker.perform(call);
      expect(receipt.repeated).toBe(when === "after");
      expect(board.absorbed).toBe(when === "after" ? 1 : 0);
      expect(board.records.messages).toMatchObject([
        { id: receipt.id, content: "Once", client_id: call.key },
      ]);
    },
  );

  test("is done once although the first call comes through after the repeat", async () => {
    const { board, tracker } = await boardWithClient();
    const hasty = clientOf(board, { timeoutMs: 300 });
    const call = message("Once");
    board.faults.add({ do: "delay", when: "before", ms: 1_000 });
    await expect(hasty.perform(call)).rejects.toMatchObject({ code: "TRACKER_TIMEOUT" });
    await tracker.perform(call);
    await expect.poll(() => board.absorbed, { timeout: 20_000 }).toBe(1);
    expect(board.records.messages).toHaveLength(1);
  });
});

describe("a 409", () => {
  test("of a key under which our own call was done is its receipt", async () => {
    const { board, tracker } = await boardWithClient();
    const call = message("Once");
    const first = await tracker.perform(call);
    // Another version of the client sends other bytes for the same call, and the board says 409.
    board.faults.add({ do: "status", status: 409, method: "POST" });
    expect(await tracker.perform(call)).toEqual({ ...first, repeated: true });
    expect(board.records.messages).toHaveLength(1);
  });

  test("of a key under which something else was done is KEY_REUSED", async () => {
    const { board, tracker } = await boardWithClient();
    await tracker.perform(message("Mine", "s/r/1"));
    const expected = { class: "permanent", code: "KEY_REUSED", details: { key: "s/r/1" } };
    await expect(tracker.perform(message("Another", "s/r/1"))).rejects.toMatchObject(expected);
    const comment = callOf({ type: "task.comment", task: "task-1", content: "Mine" }, "s/r/1");
    await expect(tracker.perform(comment)).rejects.toMatchObject(expected);
    expect(board.records).toMatchObject({ messages: [{ content: "Mine" }], comments: [] });
  });

  test("of a key that is still being worked on is unknown, with the wait that it asks for", async () => {
    const { board, tracker } = await boardWithClient();
    const body = JSON.stringify({ error: { code: "KEY_IN_USE", message: "At work." } });
    board.faults.add(
      { do: "status", status: 409, body },
      { do: "status", status: 409, retryAfter: 3, times: 2 },
    );
    const expected = { class: "unknown", code: "TRACKER_KEY_IN_USE", retryAfterMs: 3_000 };
    await expect(tracker.perform(message("Hi"))).rejects.toMatchObject({
      ...expected,
      retryAfterMs: undefined,
    });
    await expect(tracker.perform(message("Hi"))).rejects.toMatchObject(expected);
  });

  test("that is no matter of keys is a conflict", async () => {
    const { board, tracker } = await boardWithClient();
    const body = JSON.stringify({ error: { code: "TASK_LOCKED", message: "Somebody has it." } });
    board.faults.add({ do: "status", status: 409, body });
    const take = callOf({ type: "task.take", task: "task-1" });
    const expected = {
      class: "permanent",
      code: "TRACKER_CONFLICT",
      details: { said: "TASK_LOCKED" },
    };
    await expect(tracker.perform(take)).rejects.toMatchObject(expected);
  });

  test("leaves a doubt where the look-up fails", async () => {
    const { board, tracker } = await boardWithClient();
    board.faults.add(
      { do: "status", status: 409, method: "POST" },
      { do: "status", status: 503, method: "GET" },
    );
    const expected = { class: "unknown", code: "TRACKER_UNAVAILABLE" };
    await expect(tracker.perform(message("Hi"))).rejects.toMatchObject(expected);
  });
});

describe("a look-up", () => {
  test("of a chat or task that the board does not know is null", async () => {
    const { tracker } = await boardWithClient();
    expect(
      await tracker.lookup(callOf({ type: "chat.send", chat: "gone", content: "Hi" })),
    ).toBeNull();
    expect(await tracker.lookup(callOf({ type: "task.take", task: "gone" }))).toBeNull();
  });

  test("that finds something else under the key is KEY_REUSED", async () => {
    const { tracker } = await boardWithClient();
    await tracker.perform(message("Mine", "s/r/1"));
    await tracker.perform(callOf({ type: "task.take", task: "task-1" }, "s/r/2"));
    const expected = { class: "permanent", code: "KEY_REUSED" };
    await expect(tracker.lookup(message("Another", "s/r/1"))).rejects.toMatchObject(expected);
    const done = callOf({ type: "task.complete", task: "task-1" }, "s/r/2");
    await expect(tracker.lookup(done)).rejects.toMatchObject(expected);
  });

  test("that fails for now is transient", async () => {
    const { board, tracker } = await boardWithClient();
    board.faults.add({ do: "drop", when: "before" }, { do: "status", status: 500 });
    await expect(tracker.lookup(message("Hi"))).rejects.toMatchObject({ class: "transient" });
  });

  test("finds a text that the board has trimmed and composed", async () => {
    const board = await foreignBoard((_, response) =>
      json(response, 200, {
        messages: [{ id: 5, client_id: "s/r/1", sender_name: "Кодер", content: "caf\u00e9" }],
      }),
    );
    const call = message("  cafe\u0301\n", "s/r/1");
    expect(await clientOf(board).lookup(call)).toMatchObject({ id: "5", repeated: true });
  });
});

describe("a look-up at an old board", () => {
  const unsupported = { class: "permanent", code: "TRACKER_LOOKUP_UNSUPPORTED" };

  test("that ignores the filter proves nothing", async () => {
    const board = await foreignBoard((_, response) =>
      json(response, 200, [{ id: 1, sender_name: "Кодер", content: "Hi" }]),
    );
    await expect(clientOf(board).lookup(message("Hi"))).rejects.toMatchObject(unsupported);
  });

  test("that ignores the filter proves enough where the chat is empty", async () => {
    const board = await foreignBoard((_, response) => json(response, 200, []));
    expect(await clientOf(board).lookup(message("Hi"))).toBeNull();
  });

  test.each([400, 404, 405, 422, 501])("that answers %i proves nothing", async (status) => {
    const board = await foreignBoard((_, response) =>
      json(response, status, { detail: "Not Found" }),
    );
    await expect(clientOf(board).lookup(message("Hi"))).rejects.toMatchObject(unsupported);
    const done = callOf({ type: "task.complete", task: "7" });
    await expect(clientOf(board).lookup(done)).rejects.toMatchObject(unsupported);
  });

  test("without a record of changes goes by the task: as asked is done, anything else is not for us to say", async () => {
    let task = { id: 7, status: "in_progress", assigned_to: "coder" };
    const board = await foreignBoard((request, response) =>
      request.url === "/api/v1/tasks/7"
        ? json(response, 200, task)
        : json(response, 404, { detail: "Not Found" }),
    );
    const tracker = clientOf(board);
    const take = callOf({ type: "task.take", task: "7" });
    expect(await tracker.lookup(take)).toEqual({ id: "7", at: null, repeated: true, data: null });
    task = { id: 7, status: "in_progress", assigned_to: "tester" };
    await expect(tracker.lookup(take)).rejects.toMatchObject(unsupported);
  });
});

describe("close", () => {
  test("waits for what is in flight, and refuses what comes later", async () => {
    const { board, tracker } = await boardWithClient();
    board.faults.add({ do: "delay", when: "before", ms: 100 });
    const call = tracker.perform(message("Last"));
    await tracker.close();
    expect(await call).toMatchObject({ repeated: false });
    const expected = { class: "transient", code: "TRACKER_CLOSED" };
    await expect(tracker.perform(message("Late"))).rejects.toMatchObject(expected);
    await expect(tracker.check()).rejects.toMatchObject(expected);
    expect(board.records.messages).toMatchObject([{ content: "Last" }]);
  });
});
