import assert from "node:assert/strict";
import { all, appended, idsOf, newEvent, newEvents, take, withCode } from "./clause.ts";
import type { StoreClause } from "./clause.ts";

/** Reading one stream, and reading everything. */
export const readClauses: readonly StoreClause[] = [
  [
    "read() of a stream that does not exist gives no pages",
    async (store) => {
      for await (const page of store.read("nowhere")) assert.fail(`A page of ${page.length}`);
    },
  ],
  [
    "read() gives a long stream in order, in pages that are not empty",
    async (store) => {
      for (let version = 0; version < 3000; version += 1000)
        appended(await store.append("s", version, newEvents(1000)));
      appended(await store.append("t", "none", newEvents(1)));
      let next = 1;
      for await (const page of store.read("s")) {
        assert.ok(page.length > 0);
        for (const event of page) {
          assert.equal(event.version, next);
          assert.equal(event.stream, "s");
          next += 1;
        }
      }
      assert.equal(next, 3001);
    },
  ],
  [
    "read() from and to a version includes both",
    async (store) => {
      appended(await store.append("s", "none", newEvents(600)));
      const versions = async (from?: number, to?: number): Promise<readonly number[]> =>
        (
          await all(
            store.read("s", {
              ...(from === undefined ? {} : { from }),
              ...(to === undefined ? {} : { to }),
            }),
          )
        ).map((event) => event.version);
      assert.deepEqual(await versions(3, 5), [3, 4, 5]);
      assert.deepEqual(await versions(599), [599, 600]);
      assert.deepEqual(await versions(undefined, 2), [1, 2]);
      assert.equal((await versions(2, 599)).length, 598);
      assert.deepEqual(await versions(600, 900), [600]);
      assert.deepEqual(await versions(601), []);
      assert.deepEqual(await versions(5, 4), []);
      assert.deepEqual(await versions(1, 0), []);
    },
  ],
  [
    "readAll() of a store without events gives no pages",
    async (store) => {
      for await (const page of store.readAll()) assert.fail(`A page of ${page.length}`);
    },
  ],
  [
    "readAll() gives every stream's events in the order of their appends",
    async (store) => {
      const asked: string[] = [];
      for (let round = 0; round < 300; round += 1) {
        const events = newEvents(3);
        asked.push(...idsOf(appended(await store.append(`s-${round % 7}`, "any", events))));
      }
      const events = await all(store.readAll());
      assert.deepEqual(idsOf(events), asked);
      assert.equal(new Set(events.map((event) => event.position)).size, asked.length);
    },
  ],
  [
    "readAll() after any position goes on exactly behind it",
    async (store) => {
      for (let round = 0; round < 4; round += 1)
        appended(await store.append(`s-${round}`, "none", newEvents(200)));
      const events = await all(store.readAll());
      for (const index of [0, 1, 198, 199, 200, 511, 798, 799]) {
        const after = events[index]?.position ?? "";
        assert.deepEqual(
          idsOf(await all(store.readAll({ after }))),
          idsOf(events.slice(index + 1)),
        );
      }
    },
  ],
  [
    "readAll() gives only the types that were asked for",
    async (store) => {
      const types = ["Opened", "Noted", "Closed"];
      const events = Array.from({ length: 900 }, (_, index) => newEvent({}, types[index % 3]));
      appended(await store.append("s", "none", events));
      const wanted = events.filter((event) => event.type !== "Noted");
      const read = await all(store.readAll({ types: ["Opened", "Closed"] }));
      assert.deepEqual(idsOf(read), idsOf(wanted));
      const after = read[10]?.position ?? "";
      assert.deepEqual(
        idsOf(await all(store.readAll({ types: ["Opened", "Closed"], after }))),
        idsOf(wanted.slice(11)),
      );
      assert.deepEqual(await all(store.readAll({ types: ["Missing"] })), []);
      assert.deepEqual(await all(store.readAll({ types: [] })), []);
    },
  ],
  [
    "readAll() ends with what was there when it was asked",
    async (store) => {
      appended(await store.append("s", "none", newEvents(2000)));
      const reading = store.readAll()[Symbol.asyncIterator]();
      const first = await reading.next();
      appended(await store.append("s", 2000, newEvents(1)));
      let count = first.done === true ? 0 : first.value.length;
      for (let page = await reading.next(); page.done !== true; page = await reading.next())
        count += page.value.length;
      assert.equal(count, 2000);
    },
  ],
  [
    "readAll() after a position that the store never gave throws POSITION_UNKNOWN",
    async (store) => {
      appended(await store.append("s", "none", newEvents(3)));
      for (const after of ["nonsense", "", "-1", "999999"]) {
        await assert.rejects(all(store.readAll({ after })), withCode("POSITION_UNKNOWN"));
        await assert.rejects(take(store.subscribe({ after }), 1), withCode("POSITION_UNKNOWN"));
      }
    },
  ],
  [
    "readAll() rejects with the signal's reason when it is aborted, since a part is not all",
    async (store) => {
      appended(await store.append("s", "none", newEvents(2000)));
      const abort = new AbortController();
      const reading = store.readAll({ signal: abort.signal })[Symbol.asyncIterator]();
      await reading.next();
      abort.abort(new Error("enough"));
      await assert.rejects(reading.next(), /enough/);
      await assert.rejects(all(store.readAll({ signal: abort.signal })), /enough/);
    },
  ],
];
