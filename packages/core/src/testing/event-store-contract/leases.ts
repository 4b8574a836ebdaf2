import assert from "node:assert/strict";
import { all, appended, newEvents } from "./clause.ts";
import type { StoreClause } from "./clause.ts";
import type { EventStore, Lease } from "../../ports/event-store.ts";

/** Owners, epochs and fences. A store may respect another's live lease or not: both keep these. */
export const leaseClauses: readonly StoreClause[] = [
  [
    "claim() gives each name to the owner under an epoch above 0",
    async (store) => {
      const leases = await store.claim(["a", "сессия"], "one");
      assert.deepEqual(
        leases.map(({ name, owner }) => ({ name, owner })),
        [
          { name: "a", owner: "one" },
          { name: "сессия", owner: "one" },
        ],
      );
      assert.ok(leases.every((lease) => Number.isSafeInteger(lease.epoch) && lease.epoch > 0));
      assert.deepEqual(await store.claim([], "one"), []);
    },
  ],
  [
    "claim() again by the same owner in the same life keeps the epoch",
    async (store) => {
      const leases = await store.claim(["a", "b"], "one");
      assert.deepEqual(await store.claim(["a", "b"], "one"), leases);
    },
  ],
  [
    "claim() by another owner after a release is above the old epoch",
    async (store) => {
      const [old] = await store.claim(["a"], "one");
      await store.release(old === undefined ? [] : [old]);
      const [next] = await store.claim(["a"], "two");
      assert.ok(old !== undefined && next !== undefined && next.epoch > old.epoch);
    },
  ],
  [
    "claim() by a new life of the same owner is above the old epoch",
    async (store, { reopen }) => {
      const [old] = await store.claim(["a"], "one");
      const [next] = await (await reopen()).claim(["a"], "one");
      assert.ok(old !== undefined && next !== undefined && next.epoch > old.epoch);
    },
  ],
  [
    "claim() of 10,000 names gives each of them once",
    async (store) => {
      const names = Array.from({ length: 10_000 }, (_, index) => `session-${index}`);
      const leases = await store.claim(names, "one");
      assert.deepEqual(
        leases.map((lease) => lease.name),
        names,
      );
      assert.deepEqual(await store.renew(leases), leases);
    },
  ],
  [
    "append() under an epoch below the highest that was claimed writes nothing",
    async (store) => {
      const [old, next] = await takeOver(store, "s");
      appended(await store.append("s", "none", newEvents(1), { epoch: next.epoch }));
      for (const expected of [1, "any", "none"] as const) {
        assert.deepEqual(await store.append("s", expected, newEvents(2), { epoch: old.epoch }), {
          ok: false,
          reason: "fenced",
          epoch: next.epoch,
        });
      }
      assert.equal((await all(store.readAll())).length, 1);
    },
  ],
  [
    "append() under the highest epoch succeeds, also after its release, and others' streams are not fenced by it",
    async (store) => {
      const [lease] = await store.claim(["s"], "one");
      assert.ok(lease);
      appended(await store.append("s", "none", newEvents(1), { epoch: lease.epoch }));
      await store.release([lease]);
      appended(await store.append("s", 1, newEvents(1), { epoch: lease.epoch }));
      appended(await store.append("never claimed", "none", newEvents(1), { epoch: lease.epoch }));
      appended(await store.append("s", 2, newEvents(1)));
    },
  ],
  [
    "an epoch fences after a restart too",
    async (store, { reopen }) => {
      const [old, next] = await takeOver(store, "s");
      const again = await reopen();
      assert.deepEqual(await again.append("s", "none", newEvents(1), { epoch: old.epoch }), {
        ok: false,
        reason: "fenced",
        epoch: next.epoch,
      });
      const [third] = await again.claim(["s"], "three");
      assert.ok(third === undefined || third.epoch > next.epoch);
    },
  ],
  [
    "renew() gives back the leases that are still held alone",
    async (store) => {
      const kept = await store.claim(["kept"], "one");
      const [lost] = await takeOver(store, "lost");
      const released = await store.claim(["released"], "one");
      await store.release(released);
      const unknown: Lease = { name: "unknown", owner: "one", epoch: 1 };
      assert.deepEqual(await store.renew([...kept, lost, ...released, unknown]), kept);
    },
  ],
  [
    "release() by an owner that lost the lease leaves it with its holder",
    async (store) => {
      const [old, next] = await takeOver(store, "s");
      await store.release([old]);
      assert.deepEqual(await store.renew([next]), [next]);
    },
  ],
];

/** One owner lets the name go and another claims it: gives both leases. */
async function takeOver(
  store: EventStore,
  name: string,
): Promise<readonly [old: Lease, next: Lease]> {
  const [old] = await store.claim([name], "one");
  assert.ok(old);
  await store.release([old]);
  const [next] = await store.claim([name], "two");
  assert.ok(next);
  return [old, next];
}
