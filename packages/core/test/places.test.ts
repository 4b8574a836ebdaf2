// Places for runs: while what comes of a request for one is not recorded yet, where a session changes
// hands, and where another orchestrator owns it.
import { expect, test } from "vitest";
import { createOrchestrator, type OrchestratorOptions } from "@waybill/core";
import { fakeWorld, hang, reply, work } from "@waybill/core/testing";

test("a place that a session was given stays its own while its run is being asked for", async () => {
  const world = fakeWorld({ coder: [hang()], writer: [hang()] });
  const asked = Promise.withResolvers<void>();
  const admit: OrchestratorOptions["admit"] = async ({ agent }) => {
    if (agent === "coder") await asked.promise;
  };
  await using orchestrator = await createOrchestrator({
    ...world.ports(),
    limits: { runs: 1 },
    admit,
  });
  const first = await orchestrator.open({ id: "first", agent: "coder" });
  const second = await orchestrator.open({ id: "second", agent: "writer" });
  await first.send("go");
  await second.send("go");
  await first.send("and this"); // something happens to the session that has no run yet
  await world.advance({ seconds: 1 });
  expect(world.host.live()).toHaveLength(0);

  asked.resolve();
  await world.advance({ seconds: 1 });
  expect(world.host.live().map(({ spec }) => spec.sessionId)).toEqual(["first"]);
});

test("a place is another's when a session left its own before its run was asked for", async () => {
  const world = fakeWorld({ coder: [], writer: [hang()] });
  const never = Promise.withResolvers<void>();
  const admit: OrchestratorOptions["admit"] = ({ agent }, signal) => {
    signal.addEventListener("abort", () => never.resolve());
    return agent === "coder" ? never.promise : Promise.resolve();
  };
  await using orchestrator = await createOrchestrator({
    ...world.ports(),
    limits: { runs: 1 },
    admit,
  });
  const first = await orchestrator.open({ id: "first", agent: "coder" });
  const second = await orchestrator.open({ id: "second", agent: "writer" });
  await first.send("go");
  await second.send("go");
  await world.advance({ seconds: 1 });
  expect(world.host.live()).toHaveLength(0);

  await first.stop();
  await world.advance({ seconds: 1 });
  expect(world.host.live().map(({ spec }) => spec.sessionId)).toEqual(["second"]);
});

test("runs that live on when their orchestrator dies have the places of the next one", async () => {
  let pages = Number.NEGATIVE_INFINITY;
  const world = fakeWorld(
    { coder: [work({ minutes: 2 }), reply("1"), reply("2")] },
    // What is read of the session that has a run comes long after the other is owned.
    { weather: (at) => (at === "store.read" && (pages += 1) === 2 ? { thereMs: 5_000 } : null) },
  );
  const limits = { runs: 1 };
  const first = await createOrchestrator({ ...world.ports(), limits });
  const waiting = await first.open({ id: "a-waiting", agent: "coder" });
  await (await first.open({ id: "b-running", agent: "coder" })).send("go");
  await world.advance({ seconds: 1 });
  await waiting.send("go");
  await world.advance({ seconds: 1 });
  world.crash();

  pages = 0;
  const created = createOrchestrator({ ...world.ports(), limits });
  await world.advance({ minutes: 1 });
  await using next = await created;
  expect(world.host.live().map(({ spec }) => spec.sessionId)).toEqual(["b-running"]);
  const closed = next.session("b-running").close();
  await world.advance({ minutes: 3 });
  await closed;
  expect([...world.host.runs.values()].map(({ spec }) => spec.sessionId)).toEqual([
    "b-running",
    "a-waiting",
  ]);
});

test("a run of another orchestrator takes no place here, though its session was looked at", async () => {
  const world = fakeWorld({ coder: [hang(), hang()] }, { leaseMs: 30_000 });
  const limits = { runs: 1 };
  await using one = await createOrchestrator({ ...world.ports(), limits });
  await using other = await createOrchestrator({ ...world.bystander(), limits });
  await (await one.open({ id: "one", agent: "coder" })).send("go");
  await world.advance({ seconds: 1 });
  expect((await other.session("one").state()).run, "it knows of the run").not.toBeNull();

  await (await other.open({ id: "other", agent: "coder" })).send("go");
  await world.advance({ seconds: 1 });
  expect(world.host.live()).toHaveLength(2);
});

test("a run whose session went to another orchestrator gives its place back", async () => {
  const script = [work({ minutes: 30 }), work({ minutes: 30 }), reply("1"), reply("2")];
  const world = fakeWorld({ coder: script }, { leaseMs: 30_000 });
  const limits = { runs: 1 };
  const sleepy = await createOrchestrator({ ...world.ports(), limits });
  await (await sleepy.open({ id: "first", agent: "coder" })).send("go");
  await world.advance({ seconds: 1 });
  const sleeper = world.freeze();
  await using next = await createOrchestrator({ ...world.ports(), limits });
  await world.advance({ seconds: 45 });
  expect(next.session("first")).toBeDefined();
  sleeper.wake();
  await world.advance({ seconds: 30 });
  await (await sleepy.open({ id: "second", agent: "coder" })).send("go");
  await world.advance({ seconds: 1 });
  expect(world.host.live().map(({ spec }) => spec.sessionId)).toEqual(["first", "second"]);
  await sleepy[Symbol.asyncDispose]();
});
