import assert from "node:assert/strict";
import type { Json } from "../../json.ts";
import type { Tracker, TrackerOperation } from "../../ports/tracker.ts";
import type { TrackerClauses } from "../tracker-contract.ts";
import { callOf, failureOfCall } from "./calls.ts";

/** What a question gives, and that it changes nothing. */
export const questionClauses: TrackerClauses = {
  "chat.read gives the messages in their order, with id, sender and content": async (fixture) => {
    const { tracker, chat } = fixture;
    await tracker.perform(callOf({ type: "chat.send", chat, content: "one" }));
    await tracker.perform(callOf({ type: "chat.send", chat, content: "two" }));
    const receipt = await tracker.perform(callOf({ type: "chat.read", chat }));
    assert.equal(receipt.id, null);
    const messages = listIn(receipt.data, "messages");
    assert.deepEqual(
      messages.map(({ sender, content }) => ({ sender, content })),
      [
        { sender: "Кодер", content: "one" },
        { sender: "Кодер", content: "two" },
      ],
    );
    assert.ok(messages.every(({ id }) => typeof id === "string"));
  },

  "chat.read gives what came after a message, and no more than asked": async (fixture) => {
    const { tracker, chat } = fixture;
    for (const content of ["one", "two", "three", "four"]) {
      await tracker.perform(callOf({ type: "chat.send", chat, content }));
    }
    const all = await ask(tracker, { type: "chat.read", chat }, "messages");
    const after = String(all[0]?.["id"]);
    const page = await ask(tracker, { type: "chat.read", chat, after, limit: 2 }, "messages");
    assert.deepEqual(
      page.map(({ content }) => content),
      ["two", "three"],
    );
  },

  "task.list gives the tasks that match": async (fixture) => {
    const { tracker, task } = fixture;
    await tracker.perform(callOf({ type: "task.take", task }));
    const mine = { type: "task.list", status: "in_progress", assignedTo: "coder" } as const;
    const found = await ask(tracker, mine, "tasks");
    assert.deepEqual(
      found.map(({ id }) => id),
      [task],
    );
    assert.deepEqual(await ask(tracker, { type: "task.list", assignedTo: "nobody" }, "tasks"), []);
    assert.deepEqual(await ask(tracker, { type: "task.list", status: "cancelled" }, "tasks"), []);
  },

  "task.get gives the task with its status and whose it is": async (fixture) => {
    const { tracker, task } = fixture;
    await tracker.perform(callOf({ type: "task.take", task }));
    const { data } = await tracker.perform(callOf({ type: "task.get", task }));
    const found = objectIn(data, "task");
    assert.equal(found["id"], task);
    assert.equal(found["status"], "in_progress");
    assert.equal(found["assignedTo"], "coder");
  },

  "a question whose answer is lost is transient, since it can be asked again": async (fixture) => {
    const { tracker, task } = fixture;
    await fixture.fault("cut after");
    await failureOfCall(tracker.perform(callOf({ type: "task.get", task })), {
      class: "transient",
    });
    await tracker.perform(callOf({ type: "task.get", task }));
    assert.equal((await fixture.taskState(task)).changes, 0);
  },

  "a question was never done: its look-up is null": async ({ tracker, chat }) => {
    const call = callOf({ type: "chat.read", chat });
    await tracker.perform(call);
    assert.equal(await tracker.lookup(call), null);
  },
};

async function ask(
  tracker: Tracker,
  operation: TrackerOperation,
  name: string,
): Promise<readonly Readonly<Record<string, Json>>[]> {
  return listIn((await tracker.perform(callOf(operation))).data, name);
}

function listIn(data: Json, name: string): readonly Readonly<Record<string, Json>>[] {
  const list = isObject(data) ? data[name] : undefined;
  assert.ok(Array.isArray(list), `The answer has no list "${name}": ${JSON.stringify(data)}`);
  return list.filter(isObject);
}

function objectIn(data: Json, name: string): Readonly<Record<string, Json>> {
  const value = isObject(data) ? data[name] : undefined;
  assert.ok(isObject(value), `The answer has no "${name}": ${JSON.stringify(data)}`);
  return value;
}

function isObject(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
