import { expect, test } from "vitest";
import {
  createOrchestrator,
  evolve,
  unopened,
  type NewEvent,
  type SessionEvent,
} from "@waybill/core";
import { fakeWorld, reply } from "@waybill/core/testing";
import { upcast } from "../src/events/upcast.ts";

function future(changes: Partial<NewEvent>): NewEvent {
  return {
    id: "future-1",
    type: "ReceiptNotarised",
    data: { of: "x" },
    schema: 1,
    recordedAt: 1,
    causation: null,
    mustUnderstand: true,
    ...changes,
  };
}

test("a log that a newer release wrote is not acted on", async () => {
  const world = fakeWorld({ coder: [reply("one"), reply("two")] });
  const first = await createOrchestrator(world.ports());
  const session = await first.open({ id: "s", agent: "coder" });
  await session.ask("first");
  await first.shutdown();
  await world.store.open();
  await world.store.append("s", "exists", [future({})]);
  await using second = await createOrchestrator(world.ports());
  await expect(second.session("s").ask("second")).rejects.toMatchObject({ code: "EVENT_UNKNOWN" });
  await world.clock.settle();
  expect(world.host.live()).toEqual([]);
});

test("an event of a known name and a later schema is not acted on either", async () => {
  const world = fakeWorld({ coder: [] });
  const first = await createOrchestrator(world.ports());
  await first.open({ id: "s", agent: "coder" });
  await first.shutdown();
  await world.store.open();
  await world.store.append("s", "exists", [future({ type: "TurnEnded", schema: 99 })]);
  await using second = await createOrchestrator(world.ports());
  await expect(second.session("s").state()).rejects.toMatchObject({ code: "EVENT_UNKNOWN" });
});

test("one that need not be understood is kept and passed over", async () => {
  const world = fakeWorld({ coder: [reply("one"), reply("two")] });
  const first = await createOrchestrator(world.ports());
  await (await first.open({ id: "s", agent: "coder" })).ask("first");
  await first.shutdown();
  await world.store.open();
  await world.store.append("s", "exists", [future({ mustUnderstand: false })]);
  await using second = await createOrchestrator(world.ports());
  expect((await second.session("s").ask("second")).text).toBe("two");
});

test("evolve lets pass what it does not know", () => {
  const event = { type: "Tomorrow", data: {}, recordedAt: 5 } as unknown as SessionEvent & {
    recordedAt: number;
  };
  expect(evolve(unopened("s"), event)).toMatchObject({ version: 1, now: 5 });
});

test("upcasters are chained from the schema that was written", () => {
  const chains = {
    TurnEnded: [
      (data: object) => ({ ...data, two: true }),
      (data: object) => ({ ...data, three: true }),
    ],
  };
  expect(upcast("TurnEnded", 1, {}, chains)).toEqual({ two: true, three: true });
  expect(upcast("TurnEnded", 2, {}, chains)).toEqual({ three: true });
  expect(upcast("TurnEnded", 3, {}, chains)).toEqual({});
});
