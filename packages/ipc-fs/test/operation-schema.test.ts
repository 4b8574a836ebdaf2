import type { AgentOperation } from "@waybill/core";
import { readWord } from "@waybill/ipc-fs/protocol";
import { expect, test } from "vitest";

/** One of each kind, with every field that it may have. The type makes the list complete. */
const everyOperation: { readonly [Type in AgentOperation["type"]]: AgentOperation } = {
  "chat.send": { type: "chat.send", chat: "7", content: "Привет" },
  "chat.read": { type: "chat.read", chat: "7", after: "m-1", limit: 5 },
  "task.list": { type: "task.list", status: "todo", assignedTo: "coder", label: "срочно" },
  "task.get": { type: "task.get", task: "t-1" },
  "task.take": { type: "task.take", task: "t-1" },
  "task.comment": { type: "task.comment", task: "t-1", content: "a comment" },
  "task.status": { type: "task.status", task: "t-1", status: "review" },
  "task.complete": { type: "task.complete", task: "t-1" },
  "task.create": {
    type: "task.create",
    title: "Мост",
    description: "Build it.",
    status: "todo",
    assignedTo: "coder",
    labels: ["road", "срочно"],
  },
  "task.update": {
    type: "task.update",
    task: "t-1",
    title: "Bridge",
    description: "Build it well.",
    assignedTo: null,
    addLabels: ["road"],
    removeLabels: ["срочно"],
  },
  "person.ask": { type: "person.ask", question: "Какое хранилище?", choices: ["SQLite", "PG"] },
  "person.permit": {
    type: "person.permit",
    tool: "Bash",
    input: { command: "make", env: { CI: true, jobs: [2, null] } },
    reason: "It writes outside of the workspace.",
  },
};

test.for(Object.values(everyOperation))("$type is read as it was written", (operation) => {
  expect(read(operation)).toEqual({ ok: true, value: { type: "operation", operation } });
});

test.for([
  ["a task without a title", { type: "task.create" }],
  ["a label that is no text", { type: "task.create", title: "x", labels: [1] }],
  ["an assignee that leaves its place", { type: "task.create", title: "x", assignedTo: "../x" }],
  ["a question without a question", { type: "person.ask" }],
  ["a tool with no object to take", { type: "person.permit", tool: "Bash", input: "rm" }],
  ["an update of no task", { type: "task.update", title: "x" }],
  ["more labels than anybody reads", { type: "task.update", task: "t", addLabels: labels(101) }],
] as const)("%s is an invalid word", ([, operation]) => {
  expect(read(operation)).toMatchObject({ ok: false, code: "INVALID_WORD" });
});

function read(operation: unknown): ReturnType<typeof readWord> {
  const envelope = { v: 1, seq: 3, type: "operation", at: 0, data: { operation } };
  return readWord(Buffer.from(JSON.stringify(envelope)), 3);
}

function labels(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `l-${index}`);
}
