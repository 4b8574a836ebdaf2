import assert from "node:assert/strict";
import type { Json, JsonObject } from "../../json.ts";
import type { Tracker } from "../../ports/tracker.ts";
import type { TrackerClauses } from "../tracker-contract.ts";
import { callOf } from "./calls.ts";

/** What a write does, where nothing goes wrong. */
export const writeClauses: TrackerClauses = {
  "check resolves": async ({ tracker }) => {
    await tracker.check();
  },

  "chat.send puts the text into the chat once, under the agent's name": async (fixture) => {
    const { tracker, chat } = fixture;
    const receipt = await tracker.perform(
      callOf({ type: "chat.send", chat, content: "It works." }),
    );
    assert.deepEqual(await fixture.messages(chat), [{ author: "Кодер", content: "It works." }]);
    assert.ok(receipt.id, "The receipt names no message.");
    assert.equal(receipt.repeated, false);
    assert.equal(receipt.data, null);
  },

  "task.comment puts the text under the task once, under the agent's name": async (fixture) => {
    const { tracker, task } = fixture;
    const receipt = await tracker.perform(
      callOf({ type: "task.comment", task, content: "Half done." }),
    );
    assert.deepEqual(await fixture.comments(task), [{ author: "Кодер", content: "Half done." }]);
    assert.ok(receipt.id, "The receipt names no comment.");
  },

  "task.take puts the task in progress and assigns it to the agent's slug": async (fixture) => {
    const { tracker, task } = fixture;
    const receipt = await tracker.perform(callOf({ type: "task.take", task }));
    const expected = { status: "in_progress", assignedTo: "coder", changes: 1 };
    assert.deepEqual(await fixture.taskState(task), expected);
    assert.equal(receipt.id, task);
  },

  "task.status sets the status and leaves the rest": async (fixture) => {
    const { tracker, task } = fixture;
    await tracker.perform(callOf({ type: "task.take", task }));
    await tracker.perform(callOf({ type: "task.status", task, status: "in_review" }));
    const expected = { status: "in_review", assignedTo: "coder", changes: 2 };
    assert.deepEqual(await fixture.taskState(task), expected);
  },

  "task.complete sets the task to done": async (fixture) => {
    const { tracker, task } = fixture;
    await tracker.perform(callOf({ type: "task.complete", task }));
    assert.equal((await fixture.taskState(task)).status, "done");
  },

  "task.create makes a task as asked, and its receipt names it": async ({ tracker }) => {
    const asked = { title: "Мост", description: "Two lanes", labels: ["road"] };
    const receipt = await tracker.perform(
      callOf({ type: "task.create", ...asked, assignedTo: "tester" }),
    );
    assert.ok(receipt.id, "The receipt names no task.");
    const made = await taskOf(tracker, receipt.id);
    assert.deepEqual(partOf(made, asked), asked);
    assert.equal(made["assignedTo"], "tester");
  },

  "task.update changes what is given, label by label, and leaves the rest": async (fixture) => {
    const { tracker, task } = fixture;
    const before = await taskOf(tracker, task);
    await tracker.perform(callOf({ type: "task.update", task, addLabels: ["road", "urgent"] }));
    const update = { type: "task.update", task, title: "Bridge", removeLabels: ["road"] } as const;
    await tracker.perform(callOf({ ...update, addLabels: ["urgent", "late"] }));
    const after = await taskOf(tracker, task);
    assert.deepEqual(partOf(after, { title: "", labels: [] }), {
      title: "Bridge",
      labels: ["urgent", "late"],
    });
    assert.equal(after["status"], before["status"]);
    await tracker.perform(callOf({ type: "task.update", task, assignedTo: "tester" }));
    assert.equal((await fixture.taskState(task)).assignedTo, "tester");
    await tracker.perform(callOf({ type: "task.update", task, assignedTo: null }));
    assert.equal((await fixture.taskState(task)).assignedTo, null);
  },

  "task.list gives the tasks with a label": async ({ tracker, task }) => {
    await tracker.perform(callOf({ type: "task.update", task, addLabels: ["road"] }));
    const found = await tracker.perform(callOf({ type: "task.list", label: "road" }));
    assert.ok(JSON.stringify(found.data).includes(JSON.stringify(task)));
    const none = await tracker.perform(callOf({ type: "task.list", label: "rail" }));
    assert.deepEqual(none.data, { tasks: [] });
  },

  "content survives in any script, with line breaks, quotes and markup": async (fixture) => {
    const { tracker, chat } = fixture;
    const content = 'Привет, 世界 👩‍💻\n"quoted" \\ <b>&amp;</b> ../../x?y=z\tкод: `rm -rf`\u2028end';
    await tracker.perform(callOf({ type: "chat.send", chat, content }));
    assert.deepEqual(await fixture.messages(chat), [{ author: "Кодер", content }]);
  },

  "calls one after another stay in their order": async (fixture) => {
    const { tracker, chat } = fixture;
    const contents = Array.from({ length: 20 }, (_, index) => `line ${index}`);
    for (const content of contents) {
      await tracker.perform(callOf({ type: "chat.send", chat, content }));
    }
    const onBoard = (await fixture.messages(chat)).map((message) => message.content);
    assert.deepEqual(onBoard, contents);
  },

  "the same content under two keys is two messages": async (fixture) => {
    const { tracker, chat } = fixture;
    const first = await tracker.perform(callOf({ type: "chat.send", chat, content: "Ping" }));
    const second = await tracker.perform(callOf({ type: "chat.send", chat, content: "Ping" }));
    assert.notEqual(first.id, second.id);
    assert.equal((await fixture.messages(chat)).length, 2);
  },
};

async function taskOf(tracker: Tracker, task: string): Promise<JsonObject> {
  const { data } = await tracker.perform(callOf({ type: "task.get", task }));
  assert.ok(isObject(data), "The answer is no object.");
  const found = data["task"] ?? null;
  assert.ok(isObject(found), "The answer holds no task.");
  return found;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function partOf(whole: JsonObject, like: object): object {
  return Object.fromEntries(Object.keys(like).map((name) => [name, whole[name]]));
}
