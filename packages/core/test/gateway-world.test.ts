// An orchestrator and a gateway, in a world of fakes: what it may cost, what it saw, and what stays of it.
import { expect, test } from "vitest";
import { createOrchestrator, type Orchestrator } from "@waybill/core";
import { exit, fakeWorld, playOut, reply, spend, type FakeWorld } from "@waybill/core/testing";

const dollar = { usdPerToken: 0.001 };

test("what agents ask for is recorded and counted, and a spent budget ends the turn", async () => {
  const script = [spend(600), spend(600), spend(1), spend(1), reply("Went on.")];
  const world = fakeWorld({ coder: script }, { gateway: dollar, policy: { budgetUsd: 1 } });
  await using orchestrator = await createOrchestrator(world.ports());
  const session = await orchestrator.open({ id: "s", agent: "coder" });
  const turn = await session.ask("Go.");
  expect(turn).toMatchObject({ outcome: "exhausted", error: { code: "BUDGET_SPENT" } });
  await world.clock.settle();
  const { totals, budget } = await session.state();
  expect(totals).toMatchObject({ costUsd: 1.2, meteredTokens: 1_200, refusedRequests: 1 });
  expect(budget).toMatchObject({ exceeded: true });

  await session.raiseBudget(5);
  expect(await session.ask("Go on.")).toMatchObject({ outcome: "completed", text: "Went on." });
  expect(world.gateway.asked.map(({ answer }) => answer)).toEqual([
    "answered",
    "answered",
    { refused: "budget-spent" },
    "answered",
  ]);
});

test("a model that is not allowed fails the turn for good, and is on record", async () => {
  const script = [spend({ model: "huge", inputTokens: 1 })];
  const world = fakeWorld({ coder: script }, { gateway: { models: ["small"] } });
  await using orchestrator = await createOrchestrator(world.ports());
  const session = await orchestrator.open({ id: "s", agent: "coder" });
  const turn = await session.ask("Go.");
  expect(turn).toMatchObject({ outcome: "failed", error: { code: "MODEL_UNAUTHORIZED" } });
  await world.clock.settle();
  expect(await typesOf(world, "s")).toContain("GatewayRequestRefused");
});

test("what an agent claims of a run is left out of what the gateway is told: it may know better", async () => {
  const script = [reply("One.", { costUsd: 3 }), spend(1_500), spend(1_500), reply("Two.")];
  const world = fakeWorld({ coder: script }, { gateway: dollar, policy: { budgetUsd: 2 } });
  await using orchestrator = await createOrchestrator(world.ports());
  const session = await orchestrator.open({ id: "s", agent: "coder" });
  await session.ask("Go.");
  expect((await session.state()).budget).toMatchObject({ exceeded: true });

  await session.raiseBudget(4); // told to the gateway, of which the run's claim is no spending
  expect(await session.ask("Go on.")).toMatchObject({ outcome: "completed", text: "Two." });
  expect(world.gateway.asked.map(({ answer }) => answer)).toEqual(["answered", "answered"]);
});

test("a reading of the test's own making is recorded like any other", async () => {
  const world = fakeWorld({ coder: [reply("Done.")] }, { gateway: {} });
  await using orchestrator = await createOrchestrator(world.ports());
  const session = await orchestrator.open({ id: "s", agent: "coder" });
  await session.ask("Go.");
  const [runId = ""] = world.gateway.attached;
  const about = { runId, at: world.clock.now(), model: null };
  const refused = { type: "refused", ...about, reason: "path-not-allowed", count: 3 } as const;
  world.gateway.write({ owner: world.store.id, sessionId: "s" }, refused);
  await world.clock.settle();
  expect((await session.state()).totals.refusedRequests).toBe(3);
});

test("an erased session's books are gone, read or not, and another's are not", async () => {
  const world = fakeWorld(
    { coder: [spend(5), reply("Done."), spend(5), reply("Done.")] },
    { gateway: {} },
  );
  await using orchestrator = await createOrchestrator(world.ports());
  const session = await ended(orchestrator, world, "s");
  await ended(orchestrator, world, "other");
  // A reading that comes late, and that nobody has heard of.
  const about = { runId: "run-1", at: 0, model: null, reason: "late", count: 1 };
  world.gateway.write({ owner: world.store.id, sessionId: "s" }, { type: "refused", ...about });
  await session.erase();
  expect(await readingsOf(world, "s")).toBe(0);
  expect(booksOf(world)).toEqual(["other"]);
});

test("an erasure waits for the gateway, and is tried again until it is done", async () => {
  let failures = 2;
  const world = fakeWorld(
    { coder: [spend(5), reply("Done.")] },
    {
      gateway: {},
      weather: (point) =>
        point === "gateway.erase" && failures-- > 0 ? { fails: "before" } : null,
    },
  );
  await using orchestrator = await createOrchestrator(world.ports());
  const session = await ended(orchestrator, world, "s");
  const erased = session.erase();
  await world.clock.settle();
  expect(booksOf(world)).toEqual(["s"]);
  expect(await typesOf(world, "s")).not.toContain("SessionErased");
  await world.advance({ minutes: 5 });
  await erased;
  expect(booksOf(world)).toEqual([]);
});

test("the sweep lets go of the books of sessions that have ended, and of no others", async () => {
  const script = [spend(5), reply("Done."), spend(7), reply("Done."), spend(9), reply("Again.")];
  const world = fakeWorld({ coder: script }, { gateway: dollar });
  await using orchestrator = await createOrchestrator(world.ports());
  await ended(orchestrator, world, "s");
  const open = await orchestrator.open({ id: "open", agent: "coder" });
  await open.ask("Go.");
  expect(booksOf(world)).toEqual(["s", "open"]);
  await world.advance({ minutes: 6 });
  expect(booksOf(world)).toEqual(["open"]);

  // Opened again, it costs what it had cost and more.
  const again = await orchestrator.open({ id: "s", agent: "coder" });
  await again.ask("Go on.");
  await world.clock.settle();
  expect((await again.state()).totals).toMatchObject({
    costUsd: expect.closeTo(0.014),
    meteredTokens: 14,
  });
});

test("a gateway that cannot tidy up stops no sweep", async () => {
  const world = fakeWorld(
    { coder: [spend(5), reply("Done.")] },
    { gateway: {}, weather: (point) => (point === "gateway.tidy" ? { fails: "before" } : null) },
  );
  const warned: string[] = [];
  const logger = {
    debug() {},
    info() {},
    error() {},
    warn: (text: string) => void warned.push(text),
  };
  await using orchestrator = await createOrchestrator({ ...world.ports(), logger });
  await ended(orchestrator, world, "s");
  await world.advance({ minutes: 6 });
  expect(warned.filter((text) => text.includes("books of ended sessions"))).toHaveLength(2);
  expect(booksOf(world)).toEqual(["s"]);
});

test("a crash at every point loses no reading, repeats none, and erases the books in the end", async () => {
  const script = [
    spend(100),
    spend({ inputTokens: 1, model: "huge" }),
    exit(137),
    spend(50),
    reply("Done."),
  ];
  const story = async (crashAt: readonly number[]): Promise<FakeWorld> => {
    const gateway = { ...dollar, models: ["fake"] };
    // The refused request ends a turn; the message is answered in the next.
    const world = fakeWorld({ coder: [...script] }, { gateway, crashAt });
    await playOut(world, async () => {
      const orchestrator = await createOrchestrator(world.ports());
      const [known] = await orchestrator.list();
      if (!known?.status.startsWith("eras")) {
        const session = await orchestrator.open({ id: "s", agent: "coder" });
        await session.ask("Go.", { idempotencyKey: "one" });
        await session.ask("Go on.", { idempotencyKey: "two" });
        await session.close();
        sums.push((await session.state()).totals.meteredTokens);
      }
      await orchestrator.session("s").erase();
      await orchestrator.shutdown();
    });
    return world;
  };
  const sums: number[] = [];
  const calm = await story([]);
  const points = calm.points.length;
  expect(sums).toEqual([150]);
  for (let point = 0; point < points; point += 1) {
    sums.length = 0;
    const world = await story([point]);
    const what = `after a crash at ${calm.points[point]} (${point})`;
    expect(new Set(sums), what).toEqual(new Set([150]));
    expect(booksOf(world), what).toEqual([]);
    expect(world.gateway.attached, what).toEqual([]);
  }
}, 60_000);

async function ended(
  orchestrator: Orchestrator,
  world: FakeWorld,
  id: string,
): Promise<ReturnType<Orchestrator["session"]>> {
  const session = await orchestrator.open({ id, agent: "coder" });
  await session.ask("Go.");
  const closed = session.close();
  await world.advance({ seconds: 30 });
  await closed;
  return session;
}

async function typesOf(world: FakeWorld, id: string): Promise<readonly string[]> {
  const types: string[] = [];
  for await (const page of world.store.read(id)) types.push(...page.map(({ type }) => type));
  return types;
}

async function readingsOf(world: FakeWorld, sessionId: string): Promise<number> {
  const { signal } = new AbortController();
  const how = { after: {}, follow: false, signal };
  let count = 0;
  const session = { owner: world.store.id, sessionId };
  for await (const batch of world.gateway.gateway().readings(session, how)) count += batch.length;
  return count;
}

/** The sessions of which there are books. */
function booksOf(world: FakeWorld): readonly string[] {
  return world.gateway.sessions.map(({ sessionId }) => sessionId);
}
