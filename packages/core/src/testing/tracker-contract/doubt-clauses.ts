import assert from "node:assert/strict";
import type { TrackerOperation } from "../../ports/tracker.ts";
import type { TrackerClauses, TrackerFixture } from "../tracker-contract.ts";
import { callOf, failureOfCall } from "./calls.ts";
import { performUntilDone } from "./perform-until-done.ts";

/** What holds where an answer is lost: the doubt is said, and it can be settled. */
export const doubtClauses: TrackerClauses = {
  "what was never asked for is not found": async (fixture) => {
    for (const operation of writesOf(fixture)) {
      assert.equal(await fixture.tracker.lookup(callOf(operation)), null);
    }
  },

  "what was done is found under its key, and not under another": async (fixture) => {
    for (const operation of writesOf(fixture)) {
      const call = callOf(operation);
      const receipt = await fixture.tracker.perform(call);
      const found = await fixture.tracker.lookup(call);
      assert.deepEqual(found, { ...receipt, repeated: true });
      assert.equal(await fixture.tracker.lookup(callOf(operation)), null);
    }
  },

  "a call that is cut off before it was done is unknown, and not found": async (fixture) => {
    for (const operation of writesOf(fixture)) {
      const call = callOf(operation);
      await fixture.fault("cut before");
      await failureOfCall(fixture.tracker.perform(call), { class: "unknown" });
      assert.equal(await fixture.tracker.lookup(call), null);
    }
    await isDone(fixture, 0);
  },

  "a call that is cut off after it was done is unknown, and found": async (fixture) => {
    for (const operation of writesOf(fixture)) {
      const call = callOf(operation);
      await fixture.fault("cut after");
      await failureOfCall(fixture.tracker.perform(call), { class: "unknown" });
      assert.equal((await fixture.tracker.lookup(call))?.repeated, true);
    }
    await isDone(fixture, 1);
  },

  "an answer that nobody can read is unknown, and no receipt is made up": async (fixture) => {
    for (const operation of writesOf(fixture)) {
      const call = callOf(operation);
      await fixture.fault("garbled");
      await failureOfCall(fixture.tracker.perform(call), { class: "unknown" });
      assert.notEqual(await fixture.tracker.lookup(call), null);
    }
    await isDone(fixture, 1);
  },

  "whoever goes by the classes gets every call done exactly once": async (fixture) => {
    const { tracker, chat } = fixture;
    const faults = ["cut before", "cut after", "busy", "unavailable", "garbled"] as const;
    const contents = Array.from({ length: 30 }, (_, index) => `line ${index}`);
    for (const [index, content] of contents.entries()) {
      await fixture.fault(faults[index % faults.length] ?? "busy");
      await performUntilDone(tracker, callOf({ type: "chat.send", chat, content }));
    }
    const onBoard = (await fixture.messages(chat)).map((message) => message.content);
    assert.deepEqual(onBoard, contents);
  },
};

function writesOf({ chat, task }: TrackerFixture): readonly TrackerOperation[] {
  return [
    { type: "chat.send", chat, content: "Said" },
    { type: "task.comment", task, content: "Noted" },
    { type: "task.take", task },
    { type: "task.create", title: "Made" },
  ];
}

async function isDone(fixture: TrackerFixture, times: number): Promise<void> {
  assert.equal((await fixture.messages(fixture.chat)).length, times);
  assert.equal((await fixture.comments(fixture.task)).length, times);
  assert.equal((await fixture.taskState(fixture.task)).changes, times);
}
