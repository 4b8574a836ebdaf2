import assert from "node:assert/strict";
import type { TrackerClauses } from "../tracker-contract.ts";
import { callOf, failureOfCall } from "./calls.ts";

/** What a key does: once per key where keys count, and findable by it in any case. */
export const keyClauses: {
  readonly withKeys: TrackerClauses;
  readonly withoutKeys: TrackerClauses;
} = {
  withKeys: {
    "the capabilities say that keys count": async ({ tracker }) => {
      assert.equal(tracker.capabilities.idempotencyKeys, true);
    },

    "a repeat under the same key changes nothing and gives the same receipt": async (fixture) => {
      const { tracker, chat, task } = fixture;
      const calls = [
        callOf({ type: "chat.send", chat, content: "Once" }),
        callOf({ type: "task.comment", task, content: "Once" }),
        callOf({ type: "task.take", task }),
      ];
      for (const call of calls) {
        const first = await tracker.perform(call);
        const again = await tracker.perform(call);
        assert.deepEqual(again, { ...first, repeated: true });
      }
      assert.equal((await fixture.messages(chat)).length, 1);
      assert.equal((await fixture.comments(task)).length, 1);
      assert.equal((await fixture.taskState(task)).changes, 1);
    },

    "a late repeat of a change does not undo what came after it": async (fixture) => {
      const { tracker, task } = fixture;
      const take = callOf({ type: "task.take", task });
      await tracker.perform(take);
      await tracker.perform(callOf({ type: "task.complete", task }));
      await tracker.perform(take);
      assert.equal((await fixture.taskState(task)).status, "done");
    },

    "the same call, many times at once, is done once": async (fixture) => {
      const { tracker, chat } = fixture;
      const call = callOf({ type: "chat.send", chat, content: "Once" });
      const receipts = await Promise.all(Array.from({ length: 8 }, () => tracker.perform(call)));
      assert.equal((await fixture.messages(chat)).length, 1);
      assert.equal(new Set(receipts.map(({ id }) => id)).size, 1);
      assert.equal(receipts.filter(({ repeated }) => !repeated).length, 1);
    },

    "a key that stands for another call is KEY_REUSED, and nothing is done": async (fixture) => {
      const { tracker, chat, task } = fixture;
      const first = callOf({ type: "chat.send", chat, content: "Mine" });
      await tracker.perform(first);
      const expected = { class: "permanent", code: "KEY_REUSED" } as const;
      const other = callOf({ type: "chat.send", chat, content: "Another" }, first.key);
      await failureOfCall(tracker.perform(other), expected);
      const elsewhere = callOf({ type: "task.comment", task, content: "Mine" }, first.key);
      await failureOfCall(tracker.perform(elsewhere), expected);
      assert.equal((await fixture.messages(chat)).length, 1);
      assert.equal((await fixture.comments(task)).length, 0);
    },
  },

  withoutKeys: {
    "the capabilities say that keys do not count": async ({ tracker }) => {
      assert.equal(tracker.capabilities.idempotencyKeys, false);
    },
  },
};
