import assert from "node:assert/strict";
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
