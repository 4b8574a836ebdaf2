import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { referenceTracker, tally } from "@waybill/tracker-client/testing";
import type { ReferenceTracker } from "@waybill/tracker-client/testing";
import { boardWithClient, callOf, message } from "./boards.ts";

describe("the reference Tracker", () => {
  test("answers a repeat from memory, says so, and refuses the key for anything else", async () => {
    const { board } = await boardWithClient();
    const say = (content: string) =>
      request(board, "POST", "/api/v1/chats/general/messages", {
        body: { sender_type: "human", sender_name: "Анна", content },
        headers: { "idempotency-key": "k/1" },
      });
    const first = await say("Hello");
    expect(first).toMatchObject({ status: 201, body: { content: "Hello", sender_name: "Анна" } });
    expect(first.headers.get("idempotency-replayed")).toBeNull();
    const again = await say("Hello");
    expect(again).toMatchObject({ status: 201, body: first.body });
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(await say("Other")).toMatchObject({
      status: 409,
      body: { error: { code: "KEY_REUSED" } },
    });
    expect(board.absorbed).toBe(1);
    expect(board.records.messages).toHaveLength(1);
  });

  test("makes chats and tasks, and refuses to make one twice", async () => {
    const { board } = await boardWithClient();
    const task = { id: "t-9", title: "Deploy", labels: ["ops"], assigned_to: "coder" };
    expect(await request(board, "POST", "/api/v1/tasks", { body: task })).toMatchObject({
      status: 201,
      body: { ...task, status: "todo" },
    });
    expect(await request(board, "POST", "/api/v1/tasks", { body: task })).toMatchObject({
      status: 409,
    });
    expect(await request(board, "POST", "/api/v1/chats", { body: { title: "Ops" } })).toMatchObject(
      {
        status: 201,
        body: { title: "Ops" },
      },
    );
    expect((await request(board, "GET", "/api/v1/chats")).body).toMatchObject({
      chats: { length: 2 },
    });
    const unassigned = await request(board, "PATCH", "/api/v1/tasks/t-9", {
      body: { assigned_to: null },
    });
    expect(unassigned.body).toMatchObject({ assigned_to: null, status: "todo" });
  });

  test.each([
    ["GET", "/api/v1/nothing", undefined, 404],
    ["DELETE", "/api/v1/tasks/task-1", undefined, 404],
    ["GET", "/api/v1/chats/%E0%A4%A/messages", undefined, 400],
    ["GET", "/api/v1/chats/general/messages?limit=0", undefined, 422],
    ["GET", "/api/v1/chats/general/messages?after=m-99", undefined, 422],
    ["POST", "/api/v1/chats/general/messages", "{", 400],
    [
      "POST",
      "/api/v1/chats/general/messages",
      { sender_type: "agent", sender_name: "A", content: "" },
      422,
    ],
    [
      "POST",
      "/api/v1/chats/none/messages",
      { sender_type: "agent", sender_name: "A", content: "x" },
      404,
    ],
    ["PATCH", "/api/v1/tasks/task-1", {}, 422],
    ["PATCH", "/api/v1/tasks/task-1", { status: "In Progress" }, 422],
    ["POST", "/api/v1/tasks", { id: "../x", title: "T" }, 422],
    ["POST", "/api/v1/tasks", "x".repeat(2_000_000), 413],
    ["POST", "/__faults", { do: "explode" }, 422],
    ["POST", "/__faults", "{", 400],
    ["GET", "/__nothing", undefined, 404],
  ])("refuses %s %s of %o with %i", async (method, path, body, status) => {
    const { board } = await boardWithClient();
    const before = JSON.stringify(board.records);
    expect(await request(board, method, path, { body })).toMatchObject({
      status,
      body: { error: { code: expect.any(String) } },
    });
    expect(JSON.stringify(board.records)).toBe(before);
  });

  test("wants its token for everything", async () => {
    const { board } = await boardWithClient();
    for (const path of ["/api/v1/health", "/api/v1/tasks", "/__records", "/__faults"]) {
      for (const authorization of ["", "Bearer", "Bearer x", `Basic ${board.token}`, board.token]) {
        const answer = await request(board, "GET", path, { headers: { authorization } });
        expect(answer).toMatchObject({ status: 401, body: { error: { code: "UNAUTHORIZED" } } });
      }
    }
  });

  test("says where its address is taken", async () => {
    const { board } = await boardWithClient();
    const port = Number(new URL(board.url).port);
    const expected = { code: "BOARD_ADDRESS_UNAVAILABLE", details: { port } };
    await expect(referenceTracker({ port })).rejects.toMatchObject(expected);
  });
});

describe("its faults", () => {
  test("can be set, seen and cleared from another process, and hit what they name", async () => {
    const { board, tracker } = await boardWithClient();
    const faults = [
      { do: "status", status: 503, method: "patch", times: 2 },
      { do: "status", status: 418, route: "/api/v1/chats/:chat/messages", times: null },
    ];
    await request(board, "POST", "/__faults", { body: faults });
    const take = callOf({ type: "task.take", task: "task-1" });
    await expect(tracker.perform(take)).rejects.toMatchObject({ details: { status: 503 } });
    await expect(tracker.perform(message("Hi"))).rejects.toMatchObject({
      details: { status: 418 },
    });
    expect((await request(board, "GET", "/__faults")).body).toEqual({
      faults: [
        { ...faults[0], times: 1 },
        { ...faults[1], times: null },
      ],
    });
    await request(board, "DELETE", "/__faults");
    await tracker.perform(take);
    await tracker.perform(message("Hi"));
  });

  test("can be asked for by the request itself", async () => {
    const { board } = await boardWithClient();
    const header = (fault: object) => ({ headers: { "waybill-fault": JSON.stringify(fault) } });
    const path = "/api/v1/tasks";
    const limited = await request(
      board,
      "GET",
      path,
      header({ do: "status", status: 429, retryAfter: 9 }),
    );
    expect(limited.status).toBe(429);
    expect(limited.headers.get("retry-after")).toBe("9");
    await expect(
      request(board, "GET", path, header({ do: "drop", when: "before" })),
    ).rejects.toThrow("fetch failed");
    expect(await request(board, "GET", path, header({ do: "fly" }))).toMatchObject({ status: 422 });
    expect(await request(board, "GET", path)).toMatchObject({ status: 200 });
  });

  test("can make it forget about keys", async () => {
    const { board, tracker } = await boardWithClient();
    const call = message("Twice");
    board.faults.add({ do: "ignore_keys", times: 2 });
    await tracker.perform(call);
    await tracker.perform(call);
    expect(tally(board.records, ["Twice"])).toMatchObject({
      delivered: 1,
      repeated: 1,
      absorbed: 0,
    });
  });

  test("do not outlive it: a delay does not hold up its end", async () => {
    const { board, tracker } = await boardWithClient();
    board.faults.add({ do: "delay", when: "before", ms: 60_000 });
    const outcome = tracker.perform(message("Hi")).catch((error: unknown) => error);
    await expect.poll(() => board.requests).toBe(1);
    await board.close();
    expect(await outcome).toMatchObject({ class: "unknown" });
    expect(board.records.messages).toHaveLength(0);
  });
});

describe("its records", () => {
  test("can be counted by content from another process", async () => {
    const { board, tracker } = await boardWithClient();
    await tracker.perform(message("one"));
    await tracker.perform(message("two"));
    await tracker.perform(message("two"));
    const comment = callOf({ type: "task.comment", task: "task-1", content: "three" });
    await tracker.perform(comment);
    await tracker.perform(comment);
    await tracker.perform(callOf({ type: "task.take", task: "task-1" }));
    const { body } = await request(board, "GET", "/__records");
    expect(body).toMatchObject({ absorbed: 1, requests: 6 });
    const asked = ["one", "two", "three", "four", "task-1 in_progress"];
    const expected = { asked: 5, delivered: 4, lost: 1, repeated: 1, absorbed: 1 };
    expect(tally(body as Parameters<typeof tally>[0], asked)).toEqual(expected);
    expect(tally(board.records, asked)).toEqual(expected);
  });

  test("survive in a file, with the keys and what was absorbed", async () => {
    const file = join(await folder(), "board.ndjson");
    const first = await boardWithClient({ file });
    const calls = [message("Здравствуй"), callOf({ type: "task.take", task: "task-1" })] as const;
    for (const call of calls) {
      await first.tracker.perform(call);
      await first.tracker.perform(call);
    }
    const before = JSON.stringify(first.board.records);
    await first.board.close();

    const second = await boardWithClient({ file });
    expect(JSON.stringify(second.board.records)).toBe(before);
    for (const call of calls) {
      expect(await second.tracker.perform(call)).toMatchObject({ repeated: true });
    }
    expect(second.board.absorbed).toBe(4);
    const next = await second.tracker.perform(message("next"));
    expect(second.board.records.messages.map(({ id }) => id)).toEqual([
      expect.any(String),
      next.id,
    ]);
  });

  test("survive a torn last line, which was never answered", async () => {
    const file = join(await folder(), "board.ndjson");
    const first = await boardWithClient({ file });
    const call = message("whole");
    await first.tracker.perform(call);
    await first.board.close();
    const whole = await readFile(file, "utf8");
    await appendFile(file, whole.split("\n").at(-2)?.slice(0, 40) ?? "");
    const second = await boardWithClient({ file });
    expect(await readFile(file, "utf8")).toBe(whole);
    expect(await second.tracker.perform(call)).toMatchObject({ repeated: true });
  });

  test("are refused where the file is something else", async () => {
    const file = join(await folder(), "board.ndjson");
    await writeFile(file, '{"seq":1}\n');
    const expected = { code: "BOARD_FILE_INVALID", details: { file, line: 1 } };
    await expect(referenceTracker({ file })).rejects.toMatchObject(expected);
  });
});

async function request(
  board: ReferenceTracker,
  method: string,
  path: string,
  options: { readonly body?: unknown; readonly headers?: Record<string, string> } = {},
) {
  const response = await fetch(`${board.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${board.token}`, ...options.headers },
    ...(options.body === undefined
      ? {}
      : { body: typeof options.body === "string" ? options.body : JSON.stringify(options.body) }),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: await response.json(),
  };
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "waybill-board-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}
