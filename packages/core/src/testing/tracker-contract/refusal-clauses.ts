import assert from "node:assert/strict";
import type { TrackerOperation } from "../../ports/tracker.ts";
import type { TrackerClauses, TrackerFixture } from "../tracker-contract.ts";
import { callOf, failureOfCall } from "./calls.ts";

/** What is refused, and that nothing is done then. */
export const refusalClauses: TrackerClauses = {
  "a token that the board does not know is permanent, for check and for a call": async (
    fixture,
  ) => {
    const stranger = fixture.stranger();
    const expected = { class: "permanent", code: "TRACKER_UNAUTHORIZED" } as const;
    await failureOfCall(stranger.check(), expected);
    const call = callOf({ type: "chat.send", chat: fixture.chat, content: "Let me in" });
    await failureOfCall(stranger.perform(call), expected);
    await stranger.close();
    await nothingWasDone(fixture);
  },

  "a chat or task that is not there is permanent": async (fixture) => {
    const { tracker } = fixture;
    const operations: TrackerOperation[] = [
      { type: "chat.send", chat: "no-such-chat", content: "Hello?" },
      { type: "chat.read", chat: "no-such-chat" },
      { type: "task.take", task: "no-such-task" },
      { type: "task.comment", task: "no-such-task", content: "Hello?" },
      { type: "task.get", task: "no-such-task" },
    ];
    for (const operation of operations) {
      await failureOfCall(tracker.perform(callOf(operation)), { class: "permanent" });
    }
    await nothingWasDone(fixture);
  },

  "an id that is none is permanent and never gets to the board": async (fixture) => {
    const { tracker, chat, task } = fixture;
    const bad = [
      "../tasks/1",
      `../tasks/${task}`,
      "",
      ".",
      "..",
      "a b",
      "a/b",
      "a?b=c",
      "a%2Fb",
      "кот",
      "x".repeat(65),
    ];
    for (const id of bad) {
      const operations: TrackerOperation[] = [
        { type: "chat.send", chat: id, content: "Hello?" },
        { type: "chat.read", chat: id },
        { type: "chat.read", chat, after: id },
        { type: "task.take", task: id },
        { type: "task.comment", task: id, content: "Hello?" },
        { type: "task.status", task: id, status: "done" },
        { type: "task.complete", task: id },
        { type: "task.get", task: id },
      ];
      for (const operation of operations) {
        await failureOfCall(tracker.perform(callOf(operation)), { class: "permanent" });
      }
      const lost = callOf({ type: "chat.send", chat: id, content: "Hello?" });
      await failureOfCall(tracker.lookup(lost), { class: "permanent" });
    }
    await nothingWasDone(fixture);
  },

  "a refused call does not stand in the way of the next": async (fixture) => {
    const { tracker, chat } = fixture;
    const poison = callOf({ type: "chat.send", chat: "no-such-chat", content: "poison" });
    await failureOfCall(tracker.perform(poison), { class: "permanent" });
    await tracker.perform(callOf({ type: "chat.send", chat, content: "next" }));
    assert.deepEqual(await fixture.messages(chat), [{ author: "Кодер", content: "next" }]);
  },

  "a busy board is rate-limited, says for how long, and has done nothing": async (fixture) => {
    const { tracker, chat } = fixture;
    const call = callOf({ type: "chat.send", chat, content: "Once" });
    await fixture.fault("busy");
    const failure = await failureOfCall(tracker.perform(call), { class: "rate" });
    assert.ok((failure.retryAfterMs ?? 0) > 0, "It does not say how long to wait.");
    await nothingWasDone(fixture);
    await tracker.perform(call);
    assert.equal((await fixture.messages(chat)).length, 1);
  },

  "an unavailable board is transient and has done nothing": async (fixture) => {
    const { tracker, chat } = fixture;
    const call = callOf({ type: "chat.send", chat, content: "Once" });
    await fixture.fault("unavailable");
    await failureOfCall(tracker.perform(call), { class: "transient" });
    await nothingWasDone(fixture);
    await tracker.perform(call);
    assert.equal((await fixture.messages(chat)).length, 1);
  },

  "a call that is cancelled before it begins is not done": async (fixture) => {
    const { tracker, chat } = fixture;
    const call = callOf({ type: "chat.send", chat, content: "Never" });
    const cancelled = tracker.perform({ ...call, signal: AbortSignal.abort() });
    await failureOfCall(cancelled, { class: "transient" });
    await nothingWasDone(fixture);
  },

  "close can be repeated, and a call after it is not done": async (fixture) => {
    const { tracker, chat } = fixture;
    await tracker.close();
    await tracker.close();
    const call = callOf({ type: "chat.send", chat, content: "Too late" });
    await failureOfCall(tracker.perform(call), { class: "transient" });
    await nothingWasDone(fixture);
  },
};

async function nothingWasDone(fixture: TrackerFixture): Promise<void> {
  assert.deepEqual(await fixture.messages(fixture.chat), []);
  assert.deepEqual(await fixture.comments(fixture.task), []);
  const untouched = { status: "todo", assignedTo: null, changes: 0 };
  assert.deepEqual(await fixture.taskState(fixture.task), untouched);
}
