import assert from "node:assert/strict";
import { all } from "./clause.ts";
import type { StoreClause } from "./clause.ts";

/** Readers' places, set by compare and swap. */
export const checkpointClauses: readonly StoreClause[] = [
  [
    "checkpoint() of a name that was never set is null",
    async (store) => {
      assert.equal(await store.checkpoint("projection"), null);
    },
  ],
  [
    "setCheckpoint() sets the expected value alone, and a conflict says what is there",
    async (store) => {
      assert.deepEqual(await store.setCheckpoint("p", "5", "4"), conflict(null));
      assert.equal(await store.checkpoint("p"), null);
      assert.deepEqual(await store.setCheckpoint("p", "5", null), { ok: true });
      assert.deepEqual(await store.setCheckpoint("p", "6", null), conflict("5"));
      assert.deepEqual(await store.setCheckpoint("p", "7", "6"), conflict("5"));
      assert.deepEqual(await store.setCheckpoint("p", "7", "5"), { ok: true });
      assert.equal(await store.checkpoint("p"), "7");
      assert.equal(await store.checkpoint("q"), null);
    },
  ],
  [
    "setCheckpoint() after a conflict succeeds with the actual value",
    async (store) => {
      await store.setCheckpoint("p", "1", null);
      const refused = await store.setCheckpoint("p", "2", "0");
      assert.ok(!refused.ok);
      assert.deepEqual(await store.setCheckpoint("p", "2", refused.actual), { ok: true });
    },
  ],
  [
    "setCheckpoint() repeated after a lost answer is no conflict",
    async (store) => {
      for (let time = 0; time < 2; time += 1)
        assert.deepEqual(await store.setCheckpoint("p", "1", null), { ok: true });
      for (let time = 0; time < 2; time += 1)
        assert.deepEqual(await store.setCheckpoint("p", null, "1"), { ok: true });
    },
  ],
  [
    "setCheckpoint() to null removes the value, and the next one expects null",
    async (store) => {
      await store.setCheckpoint("p", "1", null);
      assert.deepEqual(await store.setCheckpoint("p", null, "0"), conflict("1"));
      assert.deepEqual(await store.setCheckpoint("p", null, "1"), { ok: true });
      assert.equal(await store.checkpoint("p"), null);
      assert.deepEqual(await store.setCheckpoint("p", "2", "1"), conflict(null));
      assert.deepEqual(await store.setCheckpoint("p", "2", null), { ok: true });
    },
  ],
  [
    "of 32 concurrent setCheckpoint() from the same value exactly one succeeds",
    async (store) => {
      await store.setCheckpoint("p", "start", null);
      const results = await Promise.all(
        Array.from({ length: 32 }, (_, index) => store.setCheckpoint("p", `by ${index}`, "start")),
      );
      const winner = results.findIndex((result) => result.ok);
      assert.equal(results.filter((result) => result.ok).length, 1);
      assert.equal(await store.checkpoint("p"), `by ${winner}`);
      for (const [index, result] of results.entries())
        if (index !== winner) assert.deepEqual(result, conflict(`by ${winner}`));
    },
  ],
  [
    "a checkpoint keeps any text, is no event, and stays over a restart",
    async (store, { reopen }) => {
      const value = `{"Ключ":"\u{1F680}\n'"} ${"x".repeat(4_000)}`;
      assert.deepEqual(await store.setCheckpoint("проекция", value, null), { ok: true });
      assert.deepEqual(await store.setCheckpoint("empty", "", null), { ok: true });
      assert.deepEqual(await all(store.readAll()), []);
      const again = await reopen();
      assert.equal(await again.checkpoint("проекция"), value);
      assert.equal(await again.checkpoint("empty"), "");
      assert.deepEqual(await again.setCheckpoint("проекция", "next", value), { ok: true });
    },
  ],
  [
    "setCheckpoint() of what no store can keep throws a TypeError and sets nothing",
    async (store) => {
      for (const name of ["", "a\nb", "x".repeat(513)]) {
        await assert.rejects(store.setCheckpoint(name, "1", null), TypeError);
        await assert.rejects(store.checkpoint(name), TypeError);
      }
      for (const value of ["x".repeat(4_097), "\uD800", "a\0b", 5, undefined])
        await assert.rejects(store.setCheckpoint("p", value as string, null), TypeError);
      assert.equal(await store.checkpoint("p"), null);
    },
  ],
];

function conflict(actual: string | null): unknown {
  return { ok: false, reason: "conflict", actual };
}
