import {
  array,
  assert,
  asyncProperty,
  constant,
  constantFrom,
  nat,
  oneof,
  option,
  record,
} from "fast-check";
import type { Arbitrary } from "fast-check";
import { expect, test } from "vitest";
import { isWaybillError, memoryStore, systemClock } from "@waybill/core";
import type { EventStore, ExpectedVersion, Lease, NewEvent, StoredEvent } from "@waybill/core";
import { postgresStore } from "@waybill/store-postgres";
import { describeWithPostgres } from "../../../integration/postgres-server.ts";
import { all } from "./events.ts";
import { newSchema } from "./schemas.ts";

type Step =
  | {
      readonly do: "append";
      readonly stream: string;
      readonly expected: ExpectedVersion;
      readonly ids: readonly number[];
      readonly epoch: number | null;
    }
  | { readonly do: "claim" | "release"; readonly name: string; readonly owner: string }
  | {
      readonly do: "erase";
      readonly stream: string;
      readonly expected: number;
      readonly id: number;
      readonly epoch: number | null;
    }
  | { readonly do: "restore"; readonly stream: string; readonly from: number }
  | {
      readonly do: "checkpoint";
      readonly name: string;
      readonly value: string | null;
      readonly expected: string | null;
    }
  | { readonly do: "reopen" };

const stream = constantFrom("a", "b", "c");
const step: Arbitrary<Step> = oneof(
  {
    weight: 8,
    arbitrary: record({
      do: constant("append" as const),
      stream,
      expected: oneof(constantFrom("any", "none", "exists"), nat(6)),
      // Few ids, so that many appends meet one that is known.
      ids: array(nat(40), { minLength: 1, maxLength: 3 }),
      epoch: option(nat(4)),
    }),
  },
  {
    weight: 2,
    arbitrary: record({
      do: constantFrom("claim" as const, "release" as const),
      name: stream,
      owner: constantFrom("one", "two"),
    }),
  },
  {
    weight: 2,
    arbitrary: record({
      do: constant("erase" as const),
      stream,
      expected: nat(8),
      id: nat(60),
      epoch: option(nat(4)),
    }),
  },
  { weight: 1, arbitrary: record({ do: constant("restore" as const), stream, from: nat(4) }) },
  {
    weight: 1,
    arbitrary: record({
      do: constant("checkpoint" as const),
      name: stream,
      value: option(constantFrom("1", "2")),
      expected: option(constantFrom("1", "2")),
    }),
  },
  { weight: 1, arbitrary: record({ do: constant("reopen" as const) }) },
);

await describeWithPostgres("random histories", (server) => {
  test("postgresStore answers every history of calls as memoryStore does", async () => {
    await assert(
      asyncProperty(array(step, { maxLength: 40 }), async (steps) => {
        const store = postgresStore({ url: server().url, schema: newSchema() });
        const memory = memoryStore({ clock: systemClock(), leaseMs: 30_000 });
        expect(await play(store, steps)).toEqual(await play(memory, steps));
      }),
      { numRuns: 20 },
    );
  });
});

/** Everything that a store says on the way, and its whole log at the end. */
async function play(store: EventStore, steps: readonly Step[]): Promise<unknown> {
  await store.open();
  const said: unknown[] = [];
  let held: readonly Lease[] = [];
  /** Everything that was ever stored, to be put back. */
  const stored = new Map<string, StoredEvent[]>();
  for (const each of steps) {
    if (each.do === "append") {
      const fence = each.epoch === null ? undefined : { epoch: each.epoch };
      const result = await store
        .append(each.stream, each.expected, each.ids.map(eventOf), fence)
        .catch(codeOf);
      said.push(result);
      if ("ok" in result && result.ok && !result.repeated)
        stored.set(each.stream, [...(stored.get(each.stream) ?? []), ...result.events]);
    } else if (each.do === "erase") {
      const fence = each.epoch === null ? undefined : { epoch: each.epoch };
      said.push(
        await store.erase(each.stream, each.expected, eventOf(each.id), fence).catch(codeOf),
      );
    } else if (each.do === "restore") {
      const events = (stored.get(each.stream) ?? []).slice(each.from);
      if (events.length > 0) said.push(await store.restore(each.stream, events).catch(codeOf));
    } else if (each.do === "checkpoint") {
      said.push(await store.setCheckpoint(each.name, each.value, each.expected));
    } else if (each.do === "claim") {
      held = await store.claim([each.name], each.owner);
      said.push(held);
    } else if (each.do === "release") {
      said.push(await store.renew(held));
      await store.release(held);
    } else {
      await store.close();
      await store.open();
    }
  }
  said.push(await all(store.readAll()), await all(store.read("b", { from: 2, to: 5 })));
  await store.close();
  // Positions are each store's own; that they order the same is in the order of the events.
  return JSON.parse(
    JSON.stringify(said, (key, value: unknown) => (key === "position" ? undefined : value)),
  );
}

function eventOf(id: number): NewEvent {
  return {
    id: `e-${id}`,
    type: "Noted",
    // Some of them are kept apart, several the same.
    data: id % 5 === 0 ? { large: "x".repeat(70_000), same: id % 10 } : { id },
    schema: 1,
    recordedAt: id,
    causation: null,
    mustUnderstand: true,
  };
}

function codeOf(error: unknown): { readonly code: string; readonly message: string } {
  if (!isWaybillError(error)) throw error;
  return { code: error.code, message: error.message };
}
