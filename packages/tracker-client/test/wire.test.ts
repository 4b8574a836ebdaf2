import { describe, expect, test } from "vitest";
import type { TrackerOperation } from "@waybill/core";
import { httpTracker } from "@waybill/tracker-client";
import { callOf, clientOf, foreignBoard, json, message } from "./boards.ts";

describe("the REST paths of the old Tracker are unchanged", () => {
  test.each<[TrackerOperation, string, string, unknown]>([
    [
      { type: "chat.send", chat: "12", content: "Привет" },
      "POST",
      "/api/v1/chats/12/messages",
      { sender_type: "agent", sender_name: "Кодер", content: "Привет" },
    ],
    [
      { type: "task.status", task: "7", status: "blocked" },
      "PATCH",
      "/api/v1/tasks/7",
      { status: "blocked" },
    ],
    [
      { type: "task.take", task: "7" },
      "PATCH",
      "/api/v1/tasks/7",
      { status: "in_progress", assigned_to: "coder" },
    ],
    [{ type: "task.complete", task: "7" }, "PATCH", "/api/v1/tasks/7", { status: "done" }],
    [
      { type: "task.comment", task: "7", content: "Half" },
      "POST",
      "/api/v1/tasks/7/comments",
      { author: "Кодер", content: "Half" },
    ],
  ])("%o", async (operation, method, path, body) => {
    const board = await foreignBoard((_, response) =>
      json(response, 200, { id: operation.type.startsWith("task.") ? "7" : "1", status: "x" }),
    );
    const call = callOf(operation);
    await clientOf(board).perform(call);
    await clientOf(board, { clientIds: false }).perform(call);
    const [first, bare] = board.received;
    expect(first).toMatchObject({
      method,
      url: path,
      headers: {
        authorization: `Bearer ${board.token}`,
        "idempotency-key": call.key,
        "content-type": "application/json",
        accept: "application/json",
      },
    });
    const created = method === "POST" ? { client_id: call.key } : {};
    expect(JSON.parse(first?.body ?? "")).toEqual({ ...(body as object), ...created });
    expect(JSON.parse(bare?.body ?? "")).toEqual(body);
  });

  test.each<[TrackerOperation, string]>([
    [{ type: "chat.read", chat: "12" }, "/api/v1/chats/12/messages"],
    [
      { type: "chat.read", chat: "12", after: "m-9", limit: 5 },
      "/api/v1/chats/12/messages?after=m-9&limit=5",
    ],
    [{ type: "task.list" }, "/api/v1/tasks"],
    [
      { type: "task.list", status: "a&b=c", assignedTo: "coder" },
      "/api/v1/tasks?status=a%26b%3Dc&assigned_to=coder",
    ],
    [{ type: "task.get", task: "7" }, "/api/v1/tasks/7"],
  ])("%o asks without a key", async (operation, url) => {
    const board = await foreignBoard((request, response) => {
      const bare = request.url === "/api/v1/tasks/7";
      json(response, 200, bare ? { id: "7", status: "todo" } : []);
    });
    await clientOf(board).perform(callOf(operation));
    expect(board.received).toMatchObject([{ method: "GET", url, body: "" }]);
    expect(board.received[0]?.headers).not.toHaveProperty("idempotency-key");
  });
});

test("a base address may have a path, with or without a slash at its end", async () => {
  const board = await foreignBoard((_, response) =>
    json(response, 200, { id: "7", status: "done" }),
  );
  for (const base of [
    `${board.url}/team/board`,
    `${board.url}/team/board/`,
    new URL(`${board.url}/team/board`),
  ]) {
    await httpTracker({ url: base, token: "t" }).perform(
      callOf({ type: "task.complete", task: "7" }),
    );
  }
  expect(new Set(board.received.map(({ url }) => url))).toEqual(
    new Set(["/team/board/api/v1/tasks/7"]),
  );
});

const outOfBounds = [
  "..",
  "../tasks",
  "a/../b",
  "%2e%2e",
  "a?b",
  "a#b",
  "",
  ".",
  "a b",
  "\u0000",
  "é",
];
test.each(
  outOfBounds.flatMap((id): TrackerOperation[] => [
    { type: "chat.send", chat: id, content: "x" },
    { type: "chat.read", chat: id },
    { type: "chat.read", chat: "1", after: id },
    { type: "task.take", task: id },
    { type: "task.status", task: id, status: "done" },
    { type: "task.complete", task: id },
    { type: "task.comment", task: id, content: "x" },
    { type: "task.update", task: id, title: "x" },
    { type: "task.get", task: id },
  ]),
)("%j never reaches a URL, nor does its look-up", async (operation) => {
  const board = await foreignBoard((_, response) => json(response, 200, { id: "1" }));
  const tracker = clientOf(board);
  const refused = { code: "TRACKER_ID_INVALID", class: "permanent" };
  await expect(tracker.perform(callOf(operation))).rejects.toMatchObject(refused);
  const isQuestion = operation.type === "chat.read" || operation.type === "task.get";
  const lookup = tracker.lookup(callOf(operation));
  if (isQuestion) expect(await lookup).toBeNull();
  else await expect(lookup).rejects.toMatchObject(refused);
  expect(board.received).toEqual([]);
});

test("calls that follow each other share a connection", async () => {
  const ports = new Set<number | undefined>();
  const board = await foreignBoard((_, response) => {
    ports.add(response.req.socket.remotePort);
    json(response, 201, { id: "1" });
  });
  const tracker = clientOf(board);
  for (let index = 0; index < 20; index += 1) await tracker.perform(message(`№ ${index}`));
  expect(board.received).toHaveLength(20);
  // One goes back to the pool a moment after its answer was read, so that a second may be made.
  expect(ports.size).toBeLessThanOrEqual(3);
});

test("a key with slashes is a header value as it is, and one that could split a header is refused", async () => {
  const board = await foreignBoard((_, response) => json(response, 201, { id: "1" }));
  const tracker = clientOf(board);
  const operation = { type: "chat.send", chat: "1", content: "Hi" } as const;
  await tracker.perform(callOf(operation, "task.42_a/run-0123456789abcdef/17"));
  expect(board.received[0]?.headers["idempotency-key"]).toBe("task.42_a/run-0123456789abcdef/17");
  for (const key of ["", "a\r\nx: y", "a b", "ключ", "x".repeat(256)]) {
    const expected = { class: "permanent", code: "TRACKER_KEY_INVALID" };
    await expect(tracker.perform(callOf(operation, key))).rejects.toMatchObject(expected);
    await expect(tracker.lookup(callOf(operation, key))).rejects.toMatchObject(expected);
  }
  expect(board.received).toHaveLength(1);
});

test("text with half a surrogate pair is sent as what UTF-8 can carry", async () => {
  const board = await foreignBoard((_, response) => json(response, 201, { id: "1" }));
  await clientOf(board).perform(callOf({ type: "chat.send", chat: "1", content: "a\ud800b" }));
  expect(JSON.parse(board.received[0]?.body ?? "")).toMatchObject({ content: "a\ufffdb" });
});

test.each([0, -1, 1.5, 1001, Number.NaN])("%d is no limit of a page", async (limit) => {
  const board = await foreignBoard((_, response) => json(response, 200, []));
  const expected = { class: "permanent", code: "TRACKER_LIMIT_INVALID" };
  const read = callOf({ type: "chat.read", chat: "1", limit });
  await expect(clientOf(board).perform(read)).rejects.toMatchObject(expected);
  expect(board.received).toHaveLength(0);
});

test("what else a board says of a task is kept under its own names", async () => {
  const task = {
    id: 7,
    title: "T",
    status: "todo",
    labels: ["x"],
    priority: { level: 2 },
    due: null,
  };
  const board = await foreignBoard((_, response) => json(response, 200, task));
  const { data } = await clientOf(board).perform(callOf({ type: "task.get", task: "7" }));
  expect(data).toEqual({
    task: {
      id: "7",
      title: "T",
      description: null,
      status: "todo",
      assignedTo: null,
      labels: ["x"],
      at: null,
      fields: { priority: { level: 2 }, due: null },
    },
  });
});

test.each([
  ["board", "is no absolute URL"],
  ["", "is no absolute URL"],
  ["localhost:8100", "localhost://"],
  ["ftp://board/", "ftp://"],
  ["http://me:hunter2@board/", "…@board/"],
  ["http://me:hun/ter2@board:x/", "…@board:x/"],
  ["http://board/?token=hunter2", "?…"],
  ["http://board/#hunter2", "#…"],
])("%j is refused at once as an address, by name and without its secrets", (url, named) => {
  let failure: unknown;
  try {
    httpTracker({ url, token: "t" });
  } catch (error) {
    failure = error;
  }
  expect(failure).toMatchObject({ code: "TRACKER_URL_INVALID", class: "permanent" });
  expect(String(failure)).toContain(named);
  expect(String(failure)).toContain("TRACKER_URL");
  expect(`${String(failure)}${JSON.stringify(failure)}`).not.toMatch(/hunter2|ter2/);
});
