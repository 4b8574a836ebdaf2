import assert from "node:assert/strict";
import { all, appended, idsOf, newEvent, newEvents } from "./clause.ts";
import type { StoreClause } from "./clause.ts";

/** Expected versions, atomicity and what an append gives back. */
export const appendClauses: readonly StoreClause[] = [
  [
    "append() begins a stream at version 1 and gives the events as they are read back",
    async (store) => {
      const events = newEvents(3);
      const result = await store.append("s", "none", events);
      const stored = appended(result);
      assert.ok(result.ok && !result.repeated && result.version === 3);
      assert.deepEqual(
        stored.map((event) => event.version),
        [1, 2, 3],
      );
      assert.deepEqual(idsOf(stored), idsOf(events));
      assert.deepEqual(await all(store.read("s")), stored);
      assert.deepEqual(await all(store.readAll()), stored);
    },
  ],
  [
    "the versions of the events tell whether an append began its stream, also for a repeat",
    async (store) => {
      const first = newEvents(2);
      assert.equal(appended(await store.append("s", "any", first))[0]?.version, 1);
      assert.equal(appended(await store.append("s", "any", newEvents(1)))[0]?.version, 3);
      assert.equal(appended(await store.append("s", "any", first))[0]?.version, 1);
    },
  ],
  [
    "append() keeps every field of an event exactly",
    async (store) => {
      const data = {
        text: 'Кодер \u{1F680} \0 \uD800 \u2028 "quoted" \\',
        numbers: [0, -1.5, 1e300, Number.MAX_SAFE_INTEGER],
        nested: { empty: {}, none: null, yes: true, list: [[], [{}]] },
        "key with \n": "",
        long: "x".repeat(200_000),
      };
      // Parsed, since a literal would set the prototype.
      const proto: unknown = JSON.parse('{"__proto__":{"polluted":true}}');
      const event = {
        ...newEvent(data, "Ереignis.v2"),
        schema: 7,
        recordedAt: 1.5,
        causation: "command/1",
        mustUnderstand: false,
      };
      const [first] = appended(
        await store.append("сессия-1", "none", [event, { ...newEvent(), data: proto as never }]),
      );
      const [read, second] = await all(store.read("сессия-1"));
      assert.deepEqual(read, {
        ...event,
        stream: "сессия-1",
        version: 1,
        position: first?.position,
      });
      assert.equal(JSON.stringify(second?.data), '{"__proto__":{"polluted":true}}');
    },
  ],
  [
    'append() with "none" succeeds on a new stream alone',
    async (store) => {
      assert.ok((await store.append("s", "none", newEvents(2))).ok);
      assert.deepEqual(await store.append("s", "none", newEvents(1)), {
        ok: false,
        reason: "conflict",
        actual: 2,
      });
      assert.equal((await all(store.read("s"))).length, 2);
    },
  ],
  [
    'append() with "exists" succeeds on a stream with events alone',
    async (store) => {
      assert.deepEqual(await store.append("s", "exists", newEvents(1)), {
        ok: false,
        reason: "conflict",
        actual: 0,
      });
      appended(await store.append("s", "none", newEvents(1)));
      assert.ok((await store.append("s", "exists", newEvents(1))).ok);
    },
  ],
  [
    'append() with "any" succeeds whatever the version is',
    async (store) => {
      assert.ok((await store.append("s", "any", newEvents(1))).ok);
      const result = await store.append("s", "any", newEvents(1));
      assert.ok(result.ok && result.version === 2);
    },
  ],
  [
    "append() with a number succeeds at exactly that version, and 0 means none",
    async (store) => {
      assert.deepEqual(await store.append("s", 1, newEvents(1)), {
        ok: false,
        reason: "conflict",
        actual: 0,
      });
      assert.ok((await store.append("s", 0, newEvents(2))).ok);
      for (const wrong of [0, 1, 3]) {
        assert.deepEqual(await store.append("s", wrong, newEvents(1)), {
          ok: false,
          reason: "conflict",
          actual: 2,
        });
      }
      const result = await store.append("s", 2, newEvents(1));
      assert.ok(result.ok && result.version === 3);
    },
  ],
  [
    "append() succeeds after a conflict, with the same events at the right version",
    async (store) => {
      appended(await store.append("s", "none", newEvents(1)));
      const events = newEvents(2);
      assert.deepEqual(await store.append("s", 0, events), {
        ok: false,
        reason: "conflict",
        actual: 1,
      });
      const result = await store.append("s", 1, events);
      assert.ok(result.ok && !result.repeated);
      assert.deepEqual(idsOf(await all(store.read("s", { from: 2 }))), idsOf(events));
    },
  ],
  [
    "append() of a batch that conflicts writes none of it",
    async (store) => {
      appended(await store.append("s", "none", newEvents(1)));
      await store.append("s", "none", newEvents(5));
      assert.equal((await all(store.readAll())).length, 1);
    },
  ],
  [
    "32 concurrent appends to 32 streams all succeed",
    async (store) => {
      const names = Array.from({ length: 32 }, (_, index) => `s-${index}`);
      const results = await Promise.all(
        names.map((name) => store.append(name, "none", newEvents(2))),
      );
      assert.ok(results.every((result) => result.ok && result.version === 2));
      for (const name of names) assert.equal((await all(store.read(name))).length, 2);
    },
  ],
  [
    "of 32 concurrent appends at the same version of a stream exactly one succeeds",
    async (store) => {
      const results = await Promise.all(
        Array.from({ length: 32 }, () => store.append("s", "none", newEvents(3))),
      );
      assert.equal(results.filter((result) => result.ok).length, 1);
      for (const result of results) {
        if (!result.ok) assert.deepEqual(result, { ok: false, reason: "conflict", actual: 3 });
      }
      assert.equal((await all(store.readAll())).length, 3);
    },
  ],
  [
    "appends that are not waited for happen in the order in which they were asked for",
    async (store) => {
      const batches = Array.from({ length: 20 }, () => newEvents(2));
      const results = await Promise.all(
        batches.map((events, index) => store.append("s", index * 2, events)),
      );
      assert.ok(results.every((result) => result.ok));
      assert.deepEqual(idsOf(await all(store.read("s"))), idsOf(batches.flat()));
    },
  ],
  [
    "changing an event after append() was called, or after it was read, changes nothing in the log",
    async (store) => {
      const data = { list: ["before"] };
      const appending = store.append("s", "none", [{ ...newEvent(), data }]);
      data.list.push("after");
      await appending;
      for (let round = 0; round < 2; round += 1) {
        const [event] = await all(store.read("s"));
        assert.deepEqual(event?.data, { list: ["before"] });
        Object.assign(event, { data: null, type: "Changed" });
      }
    },
  ],
];
