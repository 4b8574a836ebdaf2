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
import type { EventStore, ExpectedVersion, Lease, NewEvent } from "@waybill/core";
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
  for (const each of steps) {
    if (each.do === "append") {
      const fence = each.epoch === null ? undefined : { epoch: each.epoch };
      said.push(
        await store.append(each.stream, each.expected, each.ids.map(eventOf), fence).catch(codeOf),
      );
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
    data: { id },
    schema: 1,
    recordedAt: id,
    causation: null,
    mustUnderstand: true,
  };
}

function codeOf(error: unknown): unknown {
  if (!isWaybillError(error)) throw error;
  return { code: error.code, message: error.message };
}
