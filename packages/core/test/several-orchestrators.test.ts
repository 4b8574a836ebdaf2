// Several orchestrators share one store, each alive at the same time.
import { afterEach, expect, test } from "vitest";
import { createOrchestrator, memoryStore, type Orchestrator, type Sharing } from "@waybill/core";
import { fakeWorld, hang, reply, type FakeWorld } from "@waybill/core/testing";

const leaseMs = 30_000;
const orchestrators: Orchestrator[] = [];
afterEach(async () => {
  for (const orchestrator of orchestrators.splice(0)) await orchestrator[Symbol.asyncDispose]();
});

/** A world whose store respects the leases of others, as one that many processes share. */
function sharedWorld(scripts: Parameters<typeof fakeWorld>[0]): FakeWorld {
  const clock = { now: () => world.clock.now(), after: () => () => {} };
  const world: FakeWorld = fakeWorld(scripts, {
    store: memoryStore({ clock, leaseMs, id: "fake" }),
  });
  return world;
}

async function start(world: FakeWorld, sharing: Sharing = {}): Promise<Orchestrator> {
  const ports = world.ports();
  // Each process closes a connection of its own, and not the store of the others.
  const store = new Proxy(ports.store, {
    get: (target, name, self): unknown =>
      name === "close" ? () => Promise.resolve() : Reflect.get(target, name, self),
  });
  const orchestrator = await createOrchestrator({ ...ports, store, sharing });
  orchestrators.push(orchestrator);
  return orchestrator;
}

async function ownersOf(world: FakeWorld, id: string): Promise<readonly string[]> {
  const owners: string[] = [];
  for await (const page of world.store.read(id))
    for (const { type, data } of page)
      if (type === "SessionOwned") owners.push((data as { owner: string }).owner);
  return owners;
}

test("a session that is opened by one is left to it by the others for as long as it renews", async () => {
  const world = sharedWorld({ coder: [reply("one")] });
  const first = await start(world);
  await start(world);
  const session = await first.open({ id: "s", agent: "coder" });
  await session.ask("go");
  await world.advance({ minutes: 10 });
  expect(await ownersOf(world, "s")).toHaveLength(1);
});

test("a message that another process sends is done by the owner, and the sender hears the answer", async () => {
  const world = sharedWorld({ coder: [reply("done")] });
  const owner = await start(world);
  await owner.open({ id: "s", agent: "coder" });
  const other = await start(world);
  expect(await other.session("s").ask("work")).toMatchObject({ text: "done" });
  expect(await ownersOf(world, "s")).toHaveLength(1);
});

test("what one has no room for is owned by another", async () => {
  const world = sharedWorld({ coder: [reply("one"), reply("two"), reply("three")] });
  const small = await start(world, { capacity: 1 });
  const sessions = await Promise.all(
    ["a", "b", "c"].map((id) => small.open({ id, agent: "coder" })),
  );
  for (const session of sessions) await session.send("go");
  expect((await Promise.all(["a", "b", "c"].map((id) => ownersOf(world, id)))).flat()).toHaveLength(
    1,
  );
  await start(world);
  await world.advance({ seconds: 15 });
  const owners = (await Promise.all(["a", "b", "c"].map((id) => ownersOf(world, id)))).flat();
  expect(owners).toHaveLength(3);
  expect(new Set(owners).size).toBe(2);
});

test("sessions of one that stops are another's in the next round, and their runs live on", async () => {
  const world = sharedWorld({ coder: [hang()] });
  const first = await start(world);
  const session = await first.open({ id: "s", agent: "coder" });
  await session.send("go");
  await world.advance({ seconds: 1 });
  const runs = world.host.live().length;
  expect(runs).toBe(1);
  await start(world);
  await first[Symbol.asyncDispose]();
  await world.advance({ seconds: 11 });
  expect(await ownersOf(world, "s")).toHaveLength(2);
  expect(world.host.live()).toHaveLength(runs);
});

test("sessions of one that stands still are another's once the lease ends, and it lets go when it wakes", async () => {
  const world = sharedWorld({ coder: [reply("one"), reply("two")] });
  const frozen = await start(world);
  await (await frozen.open({ id: "s", agent: "coder" })).ask("first");
  const sleeper = world.freeze();
  const next = await start(world);
  expect(await ownersOf(world, "s")).toHaveLength(1);
  await world.advance({ seconds: 45 });
  expect(await ownersOf(world, "s")).toHaveLength(2);
  sleeper.wake();
  await world.advance({ seconds: 15 });
  expect(await next.session("s").ask("second")).toMatchObject({ text: "two" });
  expect(await ownersOf(world, "s"), "it does not take it back").toHaveLength(2);
  expect(world.host.live().length).toBeLessThanOrEqual(1);
});

test("a sweep for orphans leaves a run alone that another orchestrator has just started", async () => {
  const world = sharedWorld({ coder: [reply("one"), hang()] });
  const watching = await createOrchestrator({ ...world.ports(), sweepMs: 5_000 });
  orchestrators.push(watching);
  const owner = await start(world);
  await owner.open({ id: "s", agent: "coder" });
  await watching.session("s").status(); // known here, as it was then
  await (await owner.open({ id: "s", agent: "coder" })).send("go");
  await owner.session("s").send("and stay");
  await world.advance({ seconds: 30 });
  expect(world.host.live()).toHaveLength(1);
});

test("who reads a session that nobody here has hears what another process records", async () => {
  const world = sharedWorld({ coder: [reply("done")] });
  const owner = await start(world);
  const session = await owner.open({ id: "s", agent: "coder" });
  const reader = await start(world);
  const types: string[] = [];
  const reading = (async () => {
    for await (const { type } of reader.session("s").events()) {
      types.push(type);
      if (type === "TurnEnded") return;
    }
  })();
  await world.advance({ seconds: 1 });
  expect(types).toEqual(["SessionOpened", "SessionOwned"]);
  await session.ask("go");
  await world.advance({ seconds: 1 });
  await reading;
  expect(types.at(-1)).toBe("TurnEnded");
});
