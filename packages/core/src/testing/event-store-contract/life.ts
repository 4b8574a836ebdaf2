import assert from "node:assert/strict";
import { all, appended, deadline, newEvent, newEvents, take, withCode } from "./clause.ts";
import type { StoreClause } from "./clause.ts";

/** Opening, closing and what stays. */
export const lifeClauses: readonly StoreClause[] = [
  [
    "the store's id, events, versions and positions are the same after a restart",
    async (store, { reopen }) => {
      const { id } = store;
      assert.ok(id.length > 0);
      appended(await store.append("s", "none", newEvents(5)));
      const before = await all(store.readAll());
      const again = await reopen();
      assert.equal(again.id, id);
      assert.deepEqual(await all(again.readAll()), before);
      assert.deepEqual(await again.append("s", 4, newEvents(1)), {
        ok: false,
        reason: "conflict",
        actual: 5,
      });
      const [next] = appended(await again.append("s", 5, newEvents(1)));
      assert.deepEqual(await all(again.readAll({ after: before.at(-1)?.position ?? "" })), [next]);
    },
  ],
  [
    "open() of an open store does nothing",
    async (store) => {
      const leases = await store.claim(["s"], "one");
      const { id } = store;
      await Promise.all([store.open(), store.open()]);
      assert.equal(store.id, id);
      assert.deepEqual(await store.claim(["s"], "one"), leases);
    },
  ],
  [
    "close() resolves once the appends under way are in the log",
    async (store, { reopen }) => {
      const appending = Array.from({ length: 50 }, (_, index) =>
        store.append(`s-${index}`, "none", newEvents(2)),
      );
      await store.close();
      assert.ok((await Promise.all(appending)).every((result) => result.ok));
      assert.equal((await all((await reopen()).readAll())).length, 100);
    },
  ],
  [
    "a closed store refuses everything with STORE_CLOSED, and close() again does nothing",
    async (store) => {
      await store.close();
      await store.close();
      const closed = withCode("STORE_CLOSED");
      await assert.rejects(store.append("s", "any", newEvents(1)), closed);
      await assert.rejects(all(store.read("s")), closed);
      await assert.rejects(all(store.readAll()), closed);
      await assert.rejects(all(store.subscribe()), closed);
      await assert.rejects(store.claim(["s"], "one"), closed);
      await assert.rejects(store.renew([]), closed);
      await assert.rejects(store.release([]), closed);
      await assert.rejects(store.erase("s", 0, newEvent()), closed);
      await assert.rejects(store.restore("s", [{ ...newEvent(), version: 1 }]), closed);
      await assert.rejects(store.checkpoint("p"), closed);
      await assert.rejects(store.setCheckpoint("p", "1", null), closed);
    },
  ],
  [
    "a subscription that waits when the store is closed fails with STORE_CLOSED instead of ending",
    async (store) => {
      const following = take(store.subscribe({ signal: deadline() }), 1);
      const refused = assert.rejects(following, withCode("STORE_CLOSED"));
      // Read once, so that the subscription has begun to wait.
      await all(store.readAll());
      await store.close();
      await refused;
    },
  ],
];
