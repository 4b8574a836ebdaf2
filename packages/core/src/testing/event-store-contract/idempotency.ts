import assert from "node:assert/strict";
import { all, appended, idsOf, newEvent, newEvents, withCode } from "./clause.ts";
import type { StoreClause } from "./clause.ts";

/** What a lost acknowledgement needs. */
export const idempotencyClauses: readonly StoreClause[] = [
  [
    "append() repeated with the same ids gives what was stored the first time and writes nothing",
    async (store) => {
      const events = newEvents(3);
      const stored = appended(await store.append("s", "none", events));
      const changed = events.map((event) => ({ ...event, recordedAt: 1 }));
      assert.deepEqual(await store.append("s", "none", changed), {
        ok: true,
        version: 3,
        events: stored,
        repeated: true,
      });
      assert.deepEqual(await all(store.readAll()), stored);
    },
  ],
  [
    "append() repeated after others appended gives the version of its own last event",
    async (store) => {
      const events = newEvents(2);
      appended(await store.append("s", "none", events));
      appended(await store.append("s", 2, newEvents(5)));
      const result = await store.append("s", 0, events);
      assert.ok(result.ok && result.repeated);
      assert.equal(result.version, 2);
    },
  ],
  [
    "append() repeated while the first is still under way is one append",
    async (store) => {
      const events = newEvents(2);
      const results = await Promise.all(
        Array.from({ length: 5 }, () => store.append("s", "none", events)),
      );
      assert.deepEqual(
        results.map((result) => result.ok && result.repeated),
        [false, true, true, true, true],
      );
      assert.equal((await all(store.readAll())).length, 2);
    },
  ],
  [
    "append() repeated after a restart is recognised",
    async (store, { reopen }) => {
      const events = newEvents(2);
      const stored = appended(await store.append("s", "none", events));
      const again = await reopen();
      assert.deepEqual(await again.append("s", "none", events), {
        ok: true,
        version: 2,
        events: stored,
        repeated: true,
      });
    },
  ],
  [
    "append() repeated by an owner that was fenced since is still recognised",
    async (store) => {
      const events = newEvents(1);
      const [old] = await store.claim(["s"], "one");
      appended(await store.append("s", "none", events, { epoch: old?.epoch ?? 0 }));
      await store.release(old === undefined ? [] : [old]);
      await store.claim(["s"], "two");
      const result = await store.append("s", "none", events, { epoch: old?.epoch ?? 0 });
      assert.ok(result.ok && result.repeated);
    },
  ],
  [
    "append() of some known and some new ids throws EVENT_ID_REUSED and writes nothing",
    async (store) => {
      const [known] = newEvents(1);
      assert.ok(known);
      appended(await store.append("s", "none", [known]));
      const fresh = newEvent();
      for (const batch of [
        [known, fresh],
        [fresh, known],
      ]) {
        await assert.rejects(store.append("s", 1, batch), withCode("EVENT_ID_REUSED"));
      }
      assert.equal((await all(store.readAll())).length, 1);
      assert.ok((await store.append("s", 1, [fresh])).ok, "the new id is still free");
    },
  ],
  [
    "append() of an id that another stream has throws EVENT_ID_REUSED",
    async (store) => {
      const events = newEvents(1);
      appended(await store.append("s", "none", events));
      await assert.rejects(store.append("other", "none", events), withCode("EVENT_ID_REUSED"));
      assert.deepEqual(idsOf(await all(store.readAll())), idsOf(events));
    },
  ],
  [
    "append() with the same id twice throws EVENT_ID_REUSED",
    async (store) => {
      const event = newEvent();
      await assert.rejects(store.append("s", "none", [event, event]), withCode("EVENT_ID_REUSED"));
      assert.ok((await store.append("s", "none", [event])).ok);
    },
  ],
  [
    "an append that is refused does not harm its neighbours",
    async (store) => {
      const known = newEvent();
      appended(await store.append("s", "none", [known]));
      const [first, refused, conflict, last] = await Promise.allSettled([
        store.append("a", "none", newEvents(2)),
        store.append("b", "none", [newEvent(), known]),
        store.append("s", "none", newEvents(2)),
        store.append("c", "none", newEvents(2)),
      ]);
      assert.ok(first?.status === "fulfilled" && first.value.ok);
      assert.equal(refused?.status, "rejected");
      assert.ok(conflict?.status === "fulfilled" && !conflict.value.ok);
      assert.ok(last?.status === "fulfilled" && last.value.ok);
      assert.equal((await all(store.readAll())).length, 5);
    },
  ],
];
