import { readFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import type { TrackerOperation } from "@waybill/core";
import { boardWithClient, callOf, clientOf } from "./boards.ts";
import { exchangeProxy } from "./exchange-proxy.ts";
import { openApi } from "./openapi.ts";

const document = JSON.parse(
  readFileSync(new URL("../../../docs/tracker/openapi.json", import.meta.url), "utf8"),
);

test("everything that the client and the board say to each other is as the OpenAPI document says", async () => {
  const { board } = await boardWithClient();
  const proxy = await exchangeProxy(board.url);
  onTestFinished(() => proxy.close());
  const tracker = clientOf(
    { url: proxy.url, token: board.token },
    { events: { socket: false, pollMs: 10 } },
  );
  await tracker.check();
  const operations: TrackerOperation[] = [
    { type: "chat.send", chat: "general", content: "Привет" },
    { type: "task.take", task: "task-1" },
    { type: "task.status", task: "task-1", status: "in_review" },
    { type: "task.comment", task: "task-1", content: "Half done" },
    { type: "task.update", task: "task-1", title: "New", addLabels: ["a"], assignedTo: null },
    { type: "task.create", title: "More", description: "d", labels: ["a"], assignedTo: "tester" },
    { type: "task.complete", task: "task-1" },
    { type: "chat.read", chat: "general", limit: 5 },
    { type: "task.list", status: "done", assignedTo: "coder", label: "a" },
    { type: "task.get", task: "task-1" },
  ];
  for (const operation of operations) {
    const call = callOf(operation);
    await tracker.perform(call);
    await tracker.perform(call);
    await tracker.lookup(call);
  }
  for (const operation of [
    { type: "chat.send", chat: "nowhere", content: "?" },
    { type: "task.get", task: "none" },
  ] as const) {
    await expect(tracker.perform(callOf(operation))).rejects.toMatchObject({
      code: "TRACKER_NOT_FOUND",
    });
  }
  board.say("general", "@coder", { reply_to: board.records.messages[0]?.id ?? null });
  const ended = new AbortController();
  for await (const event of tracker.subscribe({ after: null, signal: ended.signal })) {
    if (event.type === "chat.message" && event.message.replyTo !== null) ended.abort();
  }

  const api = openApi(document);
  const problems = proxy.exchanges.flatMap((exchange) => api.problemsOf(exchange));
  expect(problems).toEqual([]);
  expect(proxy.exchanges.length).toBeGreaterThan(30);
  // Every operation that the client has a use for was really tried.
  const unused = ["listChats", "createChat"];
  expect(api.operationsOf(proxy.exchanges)).toEqual(
    api.operations.filter((name) => !unused.includes(name)).toSorted(),
  );
});

test("an exchange that is not as the document says is found", () => {
  const api = openApi(document);
  const base = { method: "GET", path: "/api/v1/tasks/t1", query: {}, requestBody: null };
  expect(api.problemsOf({ ...base, status: 200, responseBody: { id: "t1" } })).not.toEqual([]);
  expect(
    api.problemsOf({ ...base, path: "/api/v1/nothing", status: 200, responseBody: {} }),
  ).not.toEqual([]);
  const wrong = { ...base, query: { colour: "red" }, status: 404 };
  const responseBody = { error: { code: "X", message: "y" } };
  expect(api.problemsOf({ ...wrong, responseBody })).not.toEqual([]);
});
