import assert from "node:assert/strict";
import { all, appended, deadline, idsOf, newEvent, newEvents, take, withCode } from "./clause.ts";
import type { StoreClause } from "./clause.ts";
import type { StoredEvent } from "../../ports/event-store.ts";

/** What leaves the log, what stays of it, and how it comes back. */
export const eraseClauses: readonly StoreClause[] = [
  [
    "erase() leaves the tombstone alone to read, at the next version, and takes nothing from other streams",
    async (store) => {
      const events = newEvents(3);
      appended(await store.append("s", "none", events));
      const [other] = appended(await store.append("other", "none", newEvents(1)));
      const tombstone = newEvent({ why: "asked" }, "Erased");
      const result = await store.erase("s", 3, tombstone);
      const [stored] = appended(result);
      assert.ok(result.ok && result.version === 4 && !result.repeated);
      assert.equal(stored?.version, 4);
      assert.deepEqual(await all(store.read("s")), [stored]);
      assert.deepEqual(await all(store.readAll()), [other, stored]);
      assert.deepEqual(await all(store.readAll({ types: [events[0]?.type ?? ""] })), [other]);
    },
  ],
  [
    "erase() keeps versions, positions and ids: none is given twice, and no reader loses its place",
    async (store) => {
      const events = newEvents(2);
      const [first, second] = appended(await store.append("s", "none", events));
      appended(await store.erase("s", 2, newEvent()));
      assert.deepEqual(await store.append("s", "none", newEvents(1)), {
        ok: false,
        reason: "conflict",
        actual: 3,
      });
      await assert.rejects(store.append("s", "any", events), withCode("EVENT_ID_REUSED"));
      const [next] = appended(await store.append("s", 3, newEvents(1)));
      assert.equal(next?.version, 4);
      const after = second?.position ?? "";
      assert.equal((await all(store.readAll({ after }))).length, 2);
      assert.equal((await all(store.readAll({ after: first?.position ?? "" }))).length, 2);
      assert.deepEqual(await all(store.read("s", { to: 2 })), []);
    },
  ],
  [
    "erase() at another version, or under a lower epoch, takes nothing",
    async (store) => {
      const stored = appended(await store.append("s", "none", newEvents(2)));
      assert.deepEqual(await store.erase("s", 1, newEvent()), {
        ok: false,
        reason: "conflict",
        actual: 2,
      });
      const [old] = await store.claim(["s"], "one");
      await store.release(old === undefined ? [] : [old]);
      const [next] = await store.claim(["s"], "two");
      assert.ok(old !== undefined && next !== undefined);
      assert.deepEqual(await store.erase("s", 2, newEvent(), { epoch: old.epoch }), {
        ok: false,
        reason: "fenced",
        epoch: next.epoch,
      });
      assert.deepEqual(await all(store.read("s")), stored);
      assert.ok((await store.erase("s", 2, newEvent(), { epoch: next.epoch })).ok);
    },
  ],
  [
    "erase() repeated with the same tombstone is one erasure",
    async (store) => {
      appended(await store.append("s", "none", newEvents(2)));
      const tombstone = newEvent();
      const first = appended(await store.erase("s", 2, tombstone));
      const again = await store.erase("s", 2, tombstone);
      assert.ok(again.ok && again.repeated);
      assert.deepEqual(again.events, first);
      assert.deepEqual(await all(store.read("s")), first);
    },
  ],
  [
    "a subscriber goes on over an erasure",
    async (store) => {
      const [first] = appended(await store.append("s", "none", newEvents(3)));
      const following = take(
        store.subscribe({ after: first?.position ?? "", types: ["Last"], signal: deadline() }),
        1,
      );
      appended(await store.erase("s", 3, newEvent()));
      const [last] = appended(await store.append("s", 4, [newEvent({}, "Last")]));
      assert.deepEqual(await following, [last]);
    },
  ],
  [
    "what was erased stays erased after a restart",
    async (store, { reopen }) => {
      appended(await store.append("s", "none", newEvents(600)));
      const [tombstone] = appended(await store.erase("s", 600, newEvent()));
      const again = await reopen();
      assert.deepEqual(await all(again.readAll()), [tombstone]);
      assert.deepEqual(await all(again.read("s")), [tombstone]);
      assert.equal(appended(await again.append("s", 601, newEvents(1)))[0]?.version, 602);
    },
  ],
  [
    "restore() puts everything back into its place, before the tombstone, also when repeated",
    async (store, { reopen }) => {
      const large = "x".repeat(100_000);
      const events = [...newEvents(2), newEvent({ large }), ...newEvents(1)];
      const stored = appended(await store.append("s", "none", events));
      const [tombstone] = appended(await store.erase("s", 4, newEvent()));
      await store.restore("s", stored);
      await store.restore("s", stored.slice(1, 3));
      const again = await reopen();
      assert.deepEqual(await all(again.readAll()), [...stored, tombstone]);
      assert.deepEqual(await all(again.read("s")), [...stored, tombstone]);
      const repeat = await again.append("s", "none", events);
      assert.ok(repeat.ok && repeat.repeated);
    },
  ],
  [
    "restore() of what never stood there throws RESTORE_MISMATCH and puts nothing back",
    async (store) => {
      const stored = appended(await store.append("s", "none", newEvents(3)));
      const [tombstone] = appended(await store.erase("s", 3, newEvent()));
      const [first, second, third] = stored;
      assert.ok(first !== undefined && second !== undefined && third !== undefined);
      const wrong: readonly (readonly StoredEvent[])[] = [
        [first, { ...second, version: 3 }],
        [first, { ...second, id: "another" }],
        [first, { ...second, version: 9 }],
      ];
      for (const events of wrong) {
        await assert.rejects(store.restore("s", events), withCode("RESTORE_MISMATCH"));
        await assert.rejects(store.restore("t", events), withCode("RESTORE_MISMATCH"));
      }
      assert.deepEqual(idsOf(await all(store.read("s"))), [tombstone?.id]);
    },
  ],
  [
    "events of any size are read back whole, the same large data many times, and after one of them was erased",
    async (store, { reopen }) => {
      const large = { text: `${"large Ж ".repeat(40_000)}end` };
      // {"text":""} takes 11 more.
      const lengths = [65_524, 65_525, 65_526].map((length) => ({ text: "y".repeat(length) }));
      const one = newEvents(1).map((event) => ({ ...event, data: large }));
      const many = [large, ...lengths, large].map((data) => newEvent(data, "Large"));
      appended(await store.append("a", "none", one));
      const stored = appended(await store.append("b", "none", many));
      const repeat = await store.append("a", "none", one);
      assert.ok(repeat.ok && repeat.repeated);
      assert.deepEqual(repeat.events[0]?.data, large);
      appended(await store.erase("a", 1, newEvent()));
      assert.deepEqual(await all(store.read("b")), stored);
      const again = await reopen();
      assert.deepEqual(await all(again.readAll({ types: ["Large"] })), stored);
      appended(await again.append("c", "none", [newEvent(large)]));
      appended(await again.erase("b", many.length, newEvent()));
      assert.deepEqual((await all(again.read("c")))[0]?.data, large);
    },
  ],
];
