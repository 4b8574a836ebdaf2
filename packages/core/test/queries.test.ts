// What a dashboard asks: made of the log alone, live, and the same when it is made anew.
import { describe, expect, test } from "vitest";
import {
  createOrchestrator,
  dispatchStream,
  memoryStore,
  openView,
  overview,
  type NewEvent,
  type Overview,
  type Projection,
} from "@waybill/core";
import {
  chat,
  exit,
  fakeTracker,
  fakeWorld,
  hang,
  operation,
  reply,
  type FakeWorld,
} from "@waybill/core/testing";

const scope = { chats: ["7"] };

function worldOf(tracker = fakeTracker({ chats: ["7"] })): FakeWorld {
  return fakeWorld(
    {
      coder: [reply("one", { costUsd: 0.5 }), operation(chat("7", "hi")), reply("two")],
      writer: [exit(1), reply("three", { outcome: "failed" })],
      guard: [operation(chat("7", "may I?")), reply("four")],
      sleeper: [hang()],
    },
    { tracker: () => tracker },
  );
}

function tableOf(view: Overview): unknown {
  return {
    sessions: view.sessions({ ended: true }),
    agents: [...view.agents()],
    outbox: view.outbox(),
    deadLetters: view.deadLetters(),
    approvals: view.approvals(),
  };
}

describe("an overview", () => {
  test("shows sessions with status and age, what agents amount to, and what is outstanding", async () => {
    const tracker = fakeTracker({ chats: ["7"] });
    const world = worldOf(tracker);
    await using orchestrator = await createOrchestrator(world.ports());
    await using view = await openView({ log: world.store, projection: overview });
    const coder = await orchestrator.open({ id: "a", agent: "coder", scope, tenant: "acme" });
    expect((await coder.ask("first")).text).toBe("one");
    tracker.failNext({ type: "unavailable" }, { times: 3 });
    await coder.send("second");
    const policy = { approve: ["chat.send" as const] };
    await (await orchestrator.open({ id: "b", agent: "guard", scope, policy })).send("go");
    await (await orchestrator.open({ id: "c", agent: "sleeper" })).send("go");
    await world.clock.settle();
    const now = world.clock.now();

    expect(view.state.sessions().map(({ id, status }) => [id, status])).toEqual([
      ["a", "running"],
      ["b", "asking"],
      ["c", "running"],
    ]);
    expect(view.state.session("a")).toMatchObject({
      agent: { slug: "coder", name: "coder" },
      tenant: "acme",
      messages: 1,
      turnSince: now,
      openedAt: now,
      costUsd: 0.5,
      capUsd: null,
      parked: null,
    });
    expect(view.state.outbox()).toMatchObject([
      { session: "a", operation: chat("7", "hi"), attempts: 1, requestedAt: now },
    ]);
    expect(view.state.approvals()).toMatchObject([
      { session: "b", operation: chat("7", "may I?"), until: now + 86_400_000 },
    ]);

    await world.advance({ minutes: 1 });
    expect(view.state.outbox()).toEqual([]);
    expect(view.state.session("a")).toMatchObject({ status: "idle", messages: 0, run: "run-1" });
    expect(view.state.session("a")?.since).toBeGreaterThan(now);
    expect(view.state.session("c")).toMatchObject({ status: "running", since: now });
    expect(view.state.agents().get("coder")).toMatchObject({
      sessions: 1,
      messages: 2,
      turns: 2,
      runs: 1,
      costUsd: 0.5,
      outcomes: { completed: 2, failed: 0 },
      operations: 1,
      operationsDelivered: 1,
    });
  });

  test("counts runs that went wrong and turns that failed, for their agent alone", async () => {
    const world = worldOf();
    await using orchestrator = await createOrchestrator(world.ports());
    await using view = await openView({ log: world.store, projection: overview });
    await (await orchestrator.open({ id: "w", agent: "writer" })).send("go");
    await world.advance({ minutes: 1 });
    expect(view.state.agents().get("writer")).toMatchObject({
      runs: 2,
      failedRuns: 1,
      outcomes: { completed: 0, failed: 1 },
    });
    expect(view.state.agents().get("coder")).toBeUndefined();
  });

  test("lists dead letters until they are driven again, and leaves out what has ended", async () => {
    const tracker = fakeTracker({ chats: ["7"] });
    tracker.failNext({ type: "unavailable" }, { times: 1_000_000 });
    const world = worldOf(tracker);
    await using orchestrator = await createOrchestrator(world.ports());
    await using view = await openView({ log: world.store, projection: overview });
    const policy = { operationMs: 60_000 };
    const session = await orchestrator.open({ id: "a", agent: "coder", scope, policy });
    await session.send("first");
    await world.clock.settle();
    await session.send("second");
    await world.advance({ minutes: 3 });
    const [dead] = view.state.deadLetters();
    expect(dead).toMatchObject({ session: "a", operation: chat("7", "hi") });
    tracker.heal();
    await session.redrive(dead?.operationId ?? "");
    await world.advance({ minutes: 2 });
    expect(view.state.deadLetters()).toEqual([]);
    const closed = session.close();
    await world.advance({ minutes: 1 });
    await closed;
    expect(view.state.sessions()).toEqual([]);
    expect(view.state.sessions({ ended: true })).toMatchObject([{ id: "a", status: "closed" }]);
  });
});

describe("a view", () => {
  test("made anew from the log says what the live one says", async () => {
    const world = worldOf();
    await using orchestrator = await createOrchestrator(world.ports());
    await using live = await openView({ log: world.store, projection: overview });
    for (const agent of ["coder", "writer", "guard", "sleeper"]) {
      await (await orchestrator.open({ id: agent, agent, scope })).send("go");
    }
    await world.advance({ minutes: 30 });
    await using anew = await openView({ log: world.store, projection: overview });
    expect(tableOf(anew.state)).toEqual(tableOf(live.state));
    expect(anew.position).toBe(live.position);
  });

  test("goes on from a state that was kept, and counts nothing twice", async () => {
    const turns: Projection<{ ended: number }> = {
      initial: () => ({ ended: 0 }),
      apply: (state) => ({ ended: state.ended + 1 }),
      types: ["TurnEnded"],
    };
    const world = worldOf();
    await using orchestrator = await createOrchestrator(world.ports());
    const session = await orchestrator.open({ id: "a", agent: "coder", scope });
    const first = await openView({ log: world.store, projection: turns });
    await session.ask("first");
    await world.clock.settle();
    await first.close();
    const { state, position } = first;
    expect(state).toEqual({ ended: 1 });
    await session.ask("second");
    expect(first.state).toEqual({ ended: 1 });
    const from = { state, position: position ?? "" };
    await using second = await openView({ log: world.store, projection: turns, from });
    expect(second.state).toEqual({ ended: 2 });
  });

  test("tells its listeners after each event, and one that throws harms nobody", async () => {
    const world = worldOf();
    await using orchestrator = await createOrchestrator(world.ports());
    await using view = await openView({ log: world.store, projection: overview });
    const told: string[] = [];
    view.onChange(() => {
      throw new Error("a bad listener");
    });
    const off = view.onChange((event) =>
      told.push(`${event.type} ${view.state.sessions().length}`),
    );
    await orchestrator.open({ id: "a", agent: "coder" });
    await world.clock.settle();
    expect(told).toEqual(["SessionOpened 1", "SessionOwned 1"]);
    off();
    await orchestrator.open({ id: "b", agent: "coder" });
    await world.clock.settle();
    expect(told).toHaveLength(2);
  });

  test("stands still and says why, where a newer release wrote the log", async () => {
    const store = memoryStore();
    await store.open();
    await using view = await openView({ log: store, projection: overview });
    await store.append("s", "none", [unknown("1", true)]);
    await expect.poll(() => view.failure).toMatchObject({ code: "EVENT_UNKNOWN" });
    const anew = openView({ log: store, projection: overview });
    await expect(anew).rejects.toMatchObject({ code: "EVENT_UNKNOWN" });
  });

  test("passes over what need not be understood and what is no session's", async () => {
    const store = memoryStore();
    await store.open();
    await store.append(dispatchStream, "none", [unknown("1", true)]);
    await store.append("s", "none", [unknown("2", false)]);
    await using view = await openView({ log: store, projection: overview });
    expect(view.state.sessions({ ended: true })).toEqual([]);
    expect(view.failure).toBeNull();
  });
});

function unknown(id: string, mustUnderstand: boolean): NewEvent {
  return {
    id,
    type: "FutureFact",
    data: {},
    schema: 1,
    recordedAt: 1,
    causation: null,
    mustUnderstand,
  };
}
