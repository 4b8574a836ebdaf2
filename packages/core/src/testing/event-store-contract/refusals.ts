import assert from "node:assert/strict";
import { all, newEvent, newEvents } from "./clause.ts";
import type { StoreClause } from "./clause.ts";
import type { ExpectedVersion, NewEvent } from "../../ports/event-store.ts";

/** What a mistake of the caller meets: a `TypeError`, and a log without a trace of it. */
export const refusalClauses: readonly StoreClause[] = [
  [
    "append() of data that JSON cannot carry throws a TypeError and writes nothing",
    async (store) => {
      const itself: unknown[] = [];
      itself.push(itself);
      const holes: unknown[] = [1];
      holes[2] = 2;
      const values: readonly unknown[] = [
        undefined,
        Number.NaN,
        Infinity,
        1n,
        Symbol("s"),
        () => 1,
        new Date(0),
        new Map(),
        itself,
        holes,
        { [Symbol("s")]: 1 },
      ];
      for (const value of values) {
        const events = [newEvent(), { ...newEvent(), data: { deep: [{ value }] } as never }];
        await assert.rejects(store.append("s", "none", events), TypeError, `for ${String(value)}`);
      }
      await assert.rejects(
        store.append("s", "none", [{ ...newEvent(), data: undefined as never }]),
        TypeError,
      );
      assert.deepEqual(await all(store.readAll()), []);
    },
  ],
  [
    "append() without events throws a TypeError",
    async (store) => {
      await assert.rejects(store.append("s", "any", []), TypeError);
    },
  ],
  [
    "append() with something that is no expected version throws a TypeError",
    async (store) => {
      for (const expected of [-1, 1.5, Number.NaN, "new", null]) {
        await assert.rejects(
          store.append("s", expected as ExpectedVersion, newEvents(1)),
          TypeError,
        );
      }
    },
  ],
  [
    "append() with a name that no store can keep throws a TypeError",
    async (store) => {
      // The lone surrogate would become the same bytes as any other one.
      for (const name of ["", "a\0b", "a\nb", "a\uD800b", "x".repeat(513)]) {
        await assert.rejects(store.append(name, "any", newEvents(1)), TypeError);
        for (const field of ["id", "type", "causation"]) {
          await assert.rejects(
            store.append("s", "any", [{ ...newEvent(), [field]: name }]),
            TypeError,
          );
        }
      }
    },
  ],
  [
    "append() with a malformed envelope throws a TypeError",
    async (store) => {
      const mistakes: readonly Partial<Record<keyof NewEvent, unknown>>[] = [
        { schema: 0 },
        { schema: 1.5 },
        { recordedAt: Number.NaN },
        { mustUnderstand: undefined },
        { id: 7 },
      ];
      for (const mistake of mistakes) {
        await assert.rejects(
          store.append("s", "any", [{ ...newEvent(), ...mistake } as never]),
          TypeError,
        );
      }
      assert.deepEqual(await all(store.readAll()), []);
    },
  ],
];
