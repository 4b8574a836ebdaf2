// What all sessions of an agent may cost together.
import { afterEach, describe, expect, test } from "vitest";
import {
  agentStream,
  createOrchestrator,
  memoryStore,
  type Orchestrator,
  type SessionEvent,
} from "@waybill/core";
import { fakeWorld, given, manualClock, reply, type FakeWorld } from "@waybill/core/testing";
import { evolveAccount, newAccount } from "../src/agents/agent-account.ts";
import { opened, owned, past } from "./pasts.ts";

const orchestrators: Orchestrator[] = [];
afterEach(async () => {
  for (const orchestrator of orchestrators.splice(0)) await orchestrator[Symbol.asyncDispose]();
});

async function start(world: FakeWorld, budgetUsd?: number | null): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator(withBudget(world.ports(), budgetUsd));
  orchestrators.push(orchestrator);
  return orchestrator;
}

function withBudget(ports: ReturnType<FakeWorld["ports"]>, budgetUsd?: number | null) {
  const more = budgetUsd === undefined ? {} : { budgetUsd };
  const agents = Object.entries(ports.agents).map(([slug, spec]) => [slug, { ...spec, ...more }]);
  return { ...ports, agents: Object.fromEntries(agents) as typeof ports.agents };
}

const dollar = (text: string, costUsd = 1) => reply(text, { costUsd });
const over = { code: "AGENT_BUDGET_EXCEEDED" };

describe("an agent's budget", () => {
  test("is shared by its sessions: at the cap all pause, once raised all go on", async () => {
    const world = fakeWorld({ coder: [dollar("one"), dollar("two"), dollar("three", 2)] });
    const orchestrator = await start(world, 2);
    const [a, b, c] = await Promise.all(
      ["a", "b", "c"].map((id) => orchestrator.open({ id, agent: "coder" })),
    );
    expect((await a!.ask("go")).text).toBe("one");
    expect((await b!.ask("go")).text).toBe("two");
    expect(await orchestrator.agent("coder").budget()).toEqual({
      capUsd: 2,
      spentUsd: 2,
      exceeded: true,
    });
    await expect(c!.ask("go")).rejects.toMatchObject(over);
    await expect(a!.ask("more")).rejects.toMatchObject(over);
    expect(await c!.status()).toBe("parked");
    await expect(orchestrator.agent("coder").raiseBudget(2)).rejects.toMatchObject({
      code: "BUDGET_TOO_LOW",
    });
    await orchestrator.agent("coder").raiseBudget(null);
    await world.clock.settle();
    expect((await c!.state()).messages.size + (await a!.state()).messages.size).toBe(0);
    expect(await orchestrator.agent("coder").budget()).toMatchObject({ exceeded: false });
  });

  test("is not another agent's", async () => {
    const world = fakeWorld({ coder: [dollar("one")], writer: [dollar("two")] });
    const orchestrator = await start(world, 1);
    await (await orchestrator.open({ id: "a", agent: "coder" })).ask("go");
    const writer = await orchestrator.open({ id: "b", agent: "writer" });
    expect((await writer.ask("go")).text).toBe("two");
    expect(() => orchestrator.agent("nobody")).toThrow(
      expect.objectContaining({ code: "AGENT_UNKNOWN" }),
    );
  });

  test("holds over a restart, and a raise outlives it though the options still say the old cap", async () => {
    const world = fakeWorld({ coder: [dollar("one"), dollar("two"), dollar("three")] });
    const first = await createOrchestrator(withBudget(world.ports(), 1));
    const a = await first.open({ id: "a", agent: "coder" });
    await a.ask("go");
    await a.send("more");
    await world.clock.settle();
    world.crash();

    const second = await createOrchestrator(withBudget(world.ports(), 1));
    await world.clock.settle();
    expect(await second.session("a").status()).toBe("parked");
    expect(await second.agent("coder").budget()).toMatchObject({ spentUsd: 1, exceeded: true });
    await second.agent("coder").raiseBudget(10);
    world.crash();

    const third = await start(world, 1);
    await world.advance({ seconds: 30 });
    expect(await third.agent("coder").budget()).toMatchObject({ capUsd: 10 });
    expect((await third.session("a").state()).messages.size).toBe(0);
  });

  test("is what the options say once they say something new", async () => {
    const world = fakeWorld({ coder: [] });
    const first = await createOrchestrator(withBudget(world.ports(), 1));
    await first.agent("coder").raiseBudget(10);
    await first[Symbol.asyncDispose]();
    const second = await createOrchestrator(withBudget(world.ports(), 5));
    expect((await second.agent("coder").budget()).capUsd).toBe(5);
    await second[Symbol.asyncDispose]();
    const third = await start(world);
    expect((await third.agent("coder").budget()).capUsd).toBe(5);
  });

  test("counts what was spent where nobody could write it down: the next owner finds it missing", async () => {
    const store = memoryStore({ clock: manualClock(), id: "one-store" });
    let isDown = true;
    const lame = new Proxy(store, {
      get(target, property, receiver) {
        if (property !== "append") return Reflect.get(target, property, receiver) as unknown;
        const append: typeof store.append = async (stream, ...rest) => {
          const [, events] = rest;
          const isNote = events.some(({ type }) => type === "AgentSpent");
          if (isNote && isDown) throw new Error("No.");
          return target.append(stream, ...rest);
        };
        return append;
      },
    });
    const world = fakeWorld({ coder: [dollar("one"), dollar("two")] }, { store: lame });
    const first = await createOrchestrator(withBudget(world.ports(), 1));
    await (await first.open({ id: "a", agent: "coder" })).ask("go");
    await world.clock.settle();
    world.crash();
    isDown = false;
    const second = await start(world, 1);
    await world.clock.settle();
    expect(await second.agent("coder").budget()).toMatchObject({ spentUsd: 1, exceeded: true });
    const notes: unknown[] = [];
    for await (const page of store.read(agentStream("coder")))
      notes.push(...page.filter(({ type }) => type === "AgentSpent").map(({ data }) => data));
    expect(notes).toEqual([{ sessionId: "a", costUsd: 1 }]);
  });

  test("binds every orchestrator on the store, and one's raise lets the other's sessions go on", async () => {
    const world = fakeWorld(
      { coder: [dollar("one"), dollar("two"), dollar("three")] },
      { leaseMs: 60_000 },
    );
    const one = await start(world, 1);
    await (await one.open({ id: "a", agent: "coder" })).ask("go");
    const other = await createOrchestrator(withBudget(world.bystander(), 1));
    orchestrators.push(other);
    const b = await other.open({ id: "b", agent: "coder" });
    await expect(b.ask("go")).rejects.toMatchObject(over);
    await one.agent("coder").raiseBudget(5);
    await world.advance({ seconds: 30 });
    expect((await b.state()).messages.size).toBe(0);
    expect((await one.agent("coder").budget()).spentUsd).toBe(2);
  });

  test("that is set later counts what open sessions have cost before", async () => {
    const world = fakeWorld({ coder: [dollar("one", 3), dollar("two", 4)] });
    const orchestrator = await start(world);
    const a = await orchestrator.open({ id: "a", agent: "coder" });
    await a.ask("go");
    await orchestrator.agent("coder").raiseBudget(2);
    await world.clock.settle();
    expect(await orchestrator.agent("coder").budget()).toEqual({
      capUsd: 2,
      spentUsd: 3,
      exceeded: true,
    });
    await expect(a.ask("more")).rejects.toMatchObject(over);
  });
});

describe("a session whose agent may not go on", () => {
  const hold = { type: "HoldForAgent", spentUsd: 21, capUsd: 20 } as const;
  const release = { type: "ReleaseForAgent", capUsd: 50 } as const;
  const queued: SessionEvent = {
    type: "MessageQueued",
    data: { messageId: "m1", position: 1, text: "go", from: null },
  };

  test("asks for no run, and does once it is released", () => {
    const held = given([opened(), owned(), queued])
      .when(hold)
      .then([{ type: "AgentBudgetExceeded", data: { spentUsd: 21, capUsd: 20 } }]);
    expect(held.pending()).toEqual([]);
    const released = held.when(release).then([{ type: "AgentBudgetRaised", data: { capUsd: 50 } }]);
    expect(released.pending().map(({ key }) => key)).toEqual(["admit"]);
  });

  test("hands nothing over to its run, whose turn may end", () => {
    const held = given(past.ready()).when(hold).thenTypes(["AgentBudgetExceeded"]);
    const keys = held.pending().map(({ key }) => key);
    expect(keys.filter((key) => key.includes("put"))).toEqual([]);
    expect(keys).toContain("run-1/receive");
    expect(
      given(past.ready())
        .pending()
        .map(({ key }) => key),
    ).toContain("run-1/put:m1:1");
  });

  test("is told once, and not after it has ended", () => {
    given(past.ready()).when(hold).thenTypes(["AgentBudgetExceeded"]).when(hold).thenNothing();
    given(past.ready()).when(release).thenNothing();
    const closed: SessionEvent = { type: "SessionClosed", data: { outcome: "closed" } };
    given([opened(), owned(), closed]).when(hold).thenNothing();
  });

  test("can be closed: what waits is discarded, since nobody will answer it", () => {
    given([opened(), owned(), queued])
      .when(hold)
      .thenTypes(["AgentBudgetExceeded"])
      .when({ type: "CloseSession", outcome: "closed" })
      .thenTypes(["CloseRequested", "MessageDiscarded", "SessionClosed"]);
  });
});

describe("an account", () => {
  test("is the same however often and late its events are heard", () => {
    const events = [
      { type: "AgentBudgetSet", data: { capUsd: 5, by: "options" } },
      { type: "AgentSpent", data: { sessionId: "a", costUsd: 1 } },
      { type: "AgentSpent", data: { sessionId: "b", costUsd: 2 } },
      { type: "AgentSpent", data: { sessionId: "a", costUsd: 4 } },
      { type: "AgentSpent", data: { sessionId: "a", costUsd: 3 } },
      { type: "AgentBudgetSet", data: { capUsd: 9, by: "api" } },
    ] as const;
    let account = newAccount();
    for (const again of [0, 1]) {
      for (const [index, event] of events.entries())
        account = evolveAccount(account, event, index + 1);
      expect(account, `round ${again}`).toMatchObject({ spentUsd: 5, capUsd: 9, optionUsd: 5 });
    }
  });
});
